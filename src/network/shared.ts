/** What all operations of the network share. */
import type { Network } from "./network.ts";
import { z } from "zod";
import { type Outcome, RouterRef } from "./model.ts";

/** What the operations need of the app. */
export interface NetworkApp {
  network: Network;
}

export const Router = z.strictObject({ router: RouterRef });

/** An outcome as people read it. */
export function outcomeText(outcome: Outcome): string {
  const { status, change_id, commands, warnings, machines } = outcome;
  const head = status === "planned"
    ? [
      `Would send ${commands.length} commands to router "${outcome.router}":`,
      ...commands.map((line) => `  ${line}`),
    ]
    : status === "unchanged"
    ? ["Nothing to change"]
    : [`Change ${change_id}: ${status}`];
  const rows = machines.slice(0, 20).map((machine) => {
    const ports = machine.ports.map((port) =>
      `${port.name} ${port.external_port}->${port.internal_port}${port.enabled ? "" : " (disabled)"}`
    );
    return `${machine.name}  ${machine.address}${ports.length === 0 ? "" : `  ${ports.join(", ")}`}`;
  });
  return [...head, ...rows, ...warnings.map((warning) => `warning: ${warning}`)].join("\n");
}
