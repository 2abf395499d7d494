/** Variables: those of the environment and those of a `.env` file. */
import { parseEnv } from "node:util";
import { messageOf } from "../lib/errors.ts";
import { emptyReading, type Layer, type Reading } from "./given.ts";
import { type Names, PREFIX } from "./names.ts";

/** Variables of ours that are not settings; those of the live tests are inherited by the programs they start. */
const OTHERS = /^HOLDFAST_(CONFIG|DEBUG|AGE_IDENTITY|LIVE_.*)$/;

/** Kubernetes sets these in every container beside a service called "holdfast". */
const KUBERNETES = /^HOLDFAST_(SERVICE_(HOST|PORT)|PORT)(_|$)/;

/** Where a set of variables comes from. */
export interface VariableSource {
  layer: Layer["name"];
  /** Where the variable is written: its name, or file, line and name. */
  source: (name: string) => string;
  /** Directory that relative file names start from. */
  base: string;
}

/**
 * Reads the settings among variables. An empty variable counts as not set, as compose files pass them.
 * An unknown `HOLDFAST_` name near a known one is a problem, any other a warning: it may be somebody's own.
 */
export function readVariables(
  variables: Record<string, string>,
  from: VariableSource,
  names: Names,
): Reading {
  const reading = emptyReading();
  const found = Object.entries(variables).flatMap(([name, text]) => {
    const setting = names.variable(name);
    if (setting === undefined) refuseUnknown(name, from, names, reading);
    return setting === undefined || text === "" ? [] : [{ name, text, ...setting }];
  });
  // The loader lets later values win: our own name counts before an earlier tool's.
  found.sort((a, b) => Number(a.alias === undefined) - Number(b.alias === undefined));
  for (const { name, text, leaf, path, inFile, alias } of found) {
    const source = from.source(name);
    try {
      const value = alias === undefined || inFile ? text : alias.read(text);
      reading.given.push({ path, leaf, value, inFile, base: from.base, layer: { name: from.layer, source } });
    } catch (error) {
      reading.problems.push({ path, source, message: messageOf(error) });
    }
  }
  return reading;
}

/** Reads the settings in the text of a `.env` file. */
export function readDotenv(text: string, file: string, base: string, names: Names): Reading {
  const lines = text.split("\n");
  const source = (name: string) => {
    const line = lines.findLastIndex((line) => line.replace(/^\s*(export\s+)?/, "").startsWith(name)) + 1;
    return `${file}:${line} ${name}`;
  };
  const variables = Object.entries(parseEnv(text)).map(([name, value]) => [name, value ?? ""]);
  return readVariables(Object.fromEntries(variables), { layer: "dotenv", source, base }, names);
}

function refuseUnknown(name: string, from: VariableSource, names: Names, reading: Reading): void {
  if (!name.startsWith(PREFIX) || OTHERS.test(name) || KUBERNETES.test(name)) return;
  if (names.isElsewhere(name)) return;
  const meant = names.nearestVariable(name);
  const source = from.source(name);
  if (meant === undefined) reading.warnings.push(`${source}: no such setting, ignored`);
  else reading.problems.push({ path: "", source, message: `unknown variable, did you mean ${meant}` });
}
