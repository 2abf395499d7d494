// Slow because passwords are hashed as they are in earnest.
import { testRows } from "./matrix.ts";
import { accessRows } from "./rows/access.ts";

testRows("users, log-in, keys, secrets and the audit log", accessRows);
