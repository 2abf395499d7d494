import { testRows } from "./matrix.ts";
import { monitorRows } from "./rows/monitor.ts";

testRows("expected backups", monitorRows);
