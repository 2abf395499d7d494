/** What people can ask of the network; the routes of the earlier API stand in `earlier_operations.ts`. */
import type { Operation } from "../lib/operation.ts";
import type { EarlierApp } from "./earlier_admin_operations.ts";
import { earlierOperations } from "./earlier_operations.ts";
import { machineOperations } from "./machine_operations.ts";
import { poolOperations } from "./pool_operations.ts";
import { routerOperations } from "./router_operations.ts";

export const operations: readonly Operation<EarlierApp>[] = [
  ...routerOperations,
  ...poolOperations,
  ...machineOperations,
  ...earlierOperations,
];
