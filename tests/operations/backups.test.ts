import { testRows } from "./matrix.ts";
import { backupRows } from "./rows/backups.ts";

testRows("backups", backupRows, { "backups.trash_days": "7" });
