import { testRows } from "./matrix.ts";
import { scheduleRows } from "./rows/schedules.ts";

testRows("schedules", scheduleRows);
