/** What people can ask about engines. */
import { z } from "zod";
import { type Operation, operation } from "../lib/operation.ts";
import { EngineInfo, engineText } from "./engine_info.ts";

/** What the operations need of the app. */
export interface EnginesApp {
  backups: { engines(): EngineInfo[]; engine(kind: string): EngineInfo };
}

export const listEngines = operation({
  name: "engines.list",
  route: "GET /api/v1/engines",
  role: "user",
  // Nothing in it is of any server, or of any data.
  scope: "filtered",
  detached: true,
  summary: "List the kinds of backup there are",
  input: z.strictObject({}),
  output: z.array(EngineInfo),
  cli: {
    columns: [{ key: "kind" }, { key: "summary" }],
    examples: ["holdfast engines list"],
  },
  run: (app: EnginesApp) => Promise.resolve(app.backups.engines()),
});

export const getEngine = operation({
  name: "engines.get",
  route: "GET /api/v1/engines/{kind}",
  role: "user",
  // Nothing in it is of any server, or of any data.
  scope: "filtered",
  detached: true,
  summary: "Show what an engine wants to be told",
  description: "These are the fields of engine_options, on the command line --engine-options as JSON.",
  input: z.strictObject({ kind: z.string().min(1).describe("Kind of the engine") }),
  output: EngineInfo,
  cli: {
    args: ["kind"],
    text: engineText,
    examples: ["holdfast engines get postgres"],
  },
  run: (app: EnginesApp, input) => Promise.resolve(app.backups.engine(input.kind)),
});

export const engineOperations: readonly Operation<EnginesApp>[] = [listEngines, getEngine];
