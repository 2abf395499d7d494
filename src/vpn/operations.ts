/** What people can ask about CloudConnexa tenants. */
import { actionOperations } from "./operations/actions.ts";
import type { VpnOperation } from "./operations/common.ts";
import { inventoryOperations } from "./operations/inventory.ts";
import { logOperations } from "./operations/logs.ts";
import { tenantOperations } from "./operations/tenant.ts";
import { thingOperations } from "./operations/things.ts";
import { wholeOperations } from "./operations/whole.ts";

export const operations: readonly VpnOperation[] = [
  ...thingOperations,
  ...actionOperations,
  ...logOperations,
  ...tenantOperations,
  ...wholeOperations,
  ...inventoryOperations,
];
