import { testRows } from "./matrix.ts";
import { programRows } from "./rows/program.ts";

testRows("settings, database and health", programRows);
