import { testRows } from "./matrix.ts";
import { serverRows } from "./rows/servers.ts";

testRows("servers", serverRows);
