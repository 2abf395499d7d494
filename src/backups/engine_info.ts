/** What people can know of engines: which there are, and what each wants to be told. */
import { z } from "zod";
import { HoldfastError, nearest } from "../lib/errors.ts";
import { type Field, fieldsOf } from "../lib/fields.ts";
import type { Engine } from "./engine.ts";

/** One option of an engine. */
export const EngineOption = z.object({
  name: z.string().describe("Name; a dot leads into an object"),
  type: z.string(),
  required: z.boolean(),
  description: z.string(),
  choices: z.array(z.string()),
}).meta({ id: "EngineOption" });
export type EngineOption = z.output<typeof EngineOption>;

/** One kind of backup. */
export const EngineInfo = z.object({
  kind: z.string(),
  summary: z.string(),
  runs_commands: z.boolean().describe("Needs role admin and backups.allow_commands"),
  restores_into: z.boolean().describe("A restore can go into a database"),
  options: z.array(EngineOption),
}).meta({ id: "EngineInfo" });
export type EngineInfo = z.output<typeof EngineInfo>;

/** Describes an engine. */
export function engineInfo(engine: Engine): EngineInfo {
  return {
    kind: engine.kind,
    summary: engine.summary,
    runs_commands: engine.runsCommands,
    restores_into: engine.restoresInto === true,
    options: fieldsOf(engine.options).flatMap((field) => optionsOf(field, "")),
  };
}

/** Describes the engine of a kind. Errors: `not_found`. */
export function engineInfoOf(engines: readonly Engine[], kind: string): EngineInfo {
  const engine = engines.find((one) => one.kind === kind);
  if (engine !== undefined) return engineInfo(engine);
  const near = nearest(kind, engines.map((one) => one.kind));
  throw new HoldfastError("not_found", `Cannot find engine "${kind}"`, {
    hint: near === undefined ? "list them with: holdfast engines list" : `did you mean "${near}"?`,
  });
}

function optionsOf(field: Field, prefix: string): EngineOption[] {
  const name = prefix + field.name;
  const option = {
    name,
    type: TYPES[field.type] ?? field.type,
    required: field.required,
    description: field.description ?? "",
    choices: [...field.choices ?? []],
  };
  const inner = isReference(field) ? [] : field.fields.flatMap((part) => optionsOf(part, `${name}.`));
  return [isReference(field) ? { ...option, type: "secret" } : option, ...inner];
}

/** `{"secret": "NAME"}` is one value to people. */
function isReference({ fields }: Field): boolean {
  return fields.length === 1 && fields[0]?.name === "secret";
}

const TYPES: Record<string, string> = { string: "text", boolean: "true or false", array: "list" };

/** The options as people read them. */
export function engineText({ kind, summary, options, runs_commands }: EngineInfo): string {
  const rights = runs_commands ? ["Needs role admin and backups.allow_commands."] : [];
  const lines = options.flatMap(({ name, type, required, description, choices }) => {
    const indent = "  ".repeat(name.split(".").length);
    const words = [choices.length > 0 ? choices.join(", ") : type, ...(required ? ["required"] : [])];
    return [`${indent}${name} (${words.join("; ")})`, `${indent}    ${description}`];
  });
  return [`${kind}: ${summary}`, ...rights, "", "Options:", ...lines].join("\n");
}
