/** Changes as people see them: no secret of a router's configuration leaves by here. */
import type { Machine } from "./machine.ts";
import type { Outcome } from "./model.ts";
import { render, type Step } from "./plan.ts";
import { maskedCommand, maskedTree } from "./secrets.ts";
import { commandText, type Tree } from "./tree.ts";

/** The commands of steps as people read them, secrets struck out. */
export function commandLines(steps: readonly Step[]): string[] {
  return render(steps).map((command) => commandText(maskedCommand(command)));
}

/** Steps as people read them. */
export function stepViews(steps: readonly Step[]): Outcome["steps"] {
  return steps.map(({ path, before, after, what }) => ({
    what,
    action: before === null ? "create" : after === null ? "delete" : "change",
    path: path.join(" "),
  }));
}

/** Nodes before a change by path, secrets struck out. */
export function beforeImage(steps: readonly Step[]): Record<string, Tree | null> {
  return Object.fromEntries(
    steps.map(({ path, before }) => [path.join(" "), before === null ? null : maskedTree(before, path)]),
  );
}

/** What a caller gets of a change, or of one that would be. */
export function outcomeOf(
  router: string,
  { id, steps, after }: { id: number | null; steps: readonly Step[]; after: readonly Machine[] },
  { status, warnings = [], dryRun = false }: {
    status: Outcome["status"];
    warnings?: string[];
    dryRun?: boolean;
  },
): Outcome {
  return {
    router,
    dry_run: dryRun,
    change_id: id,
    status,
    machines: [...after],
    steps: stepViews(steps),
    commands: commandLines(steps),
    warnings,
  };
}
