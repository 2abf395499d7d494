/**
 * Path templates: where a backup is expected, and where a good one is kept.
 *
 * A template is a relative path whose names may hold variables in braces and, where files are looked for, wildcards:
 * `*` is any part of a name, `?` one character, and a whole `**` any number of directories. Values are put in as they
 * are, never read as wildcards, and none may add a directory or lead out of one, so that a path made from a template is
 * below its root by construction. Matching never goes back further than the last `*`, so no pattern is slow.
 */
import { HoldfastError, nearest } from "../lib/errors.ts";
import type { TemplateValues } from "./report.ts";

/** What may stand in braces. Dates and times are those of the instant the backup was due, in UTC. */
export const TEMPLATE_VARIABLES = [
  "company_name",
  "city",
  "neighborhood",
  "database_name",
  "db_name",
  "agent_id",
  "year",
  "month",
  "day",
  "hour",
  "minute",
] as const;
export type TemplateVariable = typeof TEMPLATE_VARIABLES[number];

/** What the variables of one template stand for. */
export type VariableTexts = Readonly<Partial<Record<TemplateVariable, string>>>;

/** A piece of a name. */
export type Token =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly name: TemplateVariable }
  | { readonly kind: "any" }
  | { readonly kind: "one" };

/** One name of a path, or `**`. */
export type Segment = readonly Token[] | "deep";

/** A template that was judged. */
export interface PathTemplate {
  readonly text: string;
  readonly segments: readonly Segment[];
}

const MAX_LENGTH = 1024;
const MAX_WILDCARDS = 16;
/** Most file systems take no longer name. */
const MAX_NAME_BYTES = 255;

/** Reads a template. Errors: `invalid` when it could leave its root, or says something that is not known. */
export function parseTemplate(text: string, options: { wildcards?: boolean } = {}): PathTemplate {
  const refuse = (reason: string, hint?: string): never => {
    throw new HoldfastError("invalid", `Cannot use path template "${shorten(text)}": ${reason}`, {
      code: "path_template",
      ...(hint === undefined ? {} : { hint }),
    });
  };
  if (text.trim() === "") refuse("it is empty");
  if (text.length > MAX_LENGTH) refuse(`it is longer than ${MAX_LENGTH} characters`);
  if (hasControl(text)) refuse("it holds a control character");
  if (text.includes("\\")) refuse('it holds a backslash; directories are parted by "/"');
  if (text.startsWith("/")) {
    refuse("it is absolute", "a template starts at its root: leave out the first slash");
  }
  const names = text.replace(/\/+$/, "").split("/");
  const segments = names.map((name): Segment => {
    if (name === "") refuse("it holds an empty name");
    if (name === "." || name === "..") refuse(`it leaves its root or stays in place with "${name}"`);
    if (name === "**") return "deep";
    return tokensOf(name, refuse);
  });
  const wildcards = segments.flatMap((one) => one === "deep" ? one : one.filter(isWildcard).map(() => "one"));
  if (wildcards.length > 0 && options.wildcards !== true) {
    refuse("it holds a wildcard, and has to name one place");
  }
  if (wildcards.length > MAX_WILDCARDS) refuse(`it holds more than ${MAX_WILDCARDS} wildcards`);
  if (segments.filter((one) => one === "deep").length > 1) refuse('it holds "**" more than once');
  if (segments.at(-1) === "deep") refuse('it ends in "**", which stands for directories');
  return { text, segments };
}

function tokensOf(name: string, refuse: (reason: string, hint?: string) => never): Token[] {
  const tokens: Token[] = [];
  let literal = "";
  const push = (token?: Token) => {
    if (literal !== "") tokens.push({ kind: "text", text: literal });
    literal = "";
    if (token !== undefined) tokens.push(token);
  };
  for (let at = 0; at < name.length; at++) {
    const character = name[at]!;
    if (character === "*" || character === "?") push({ kind: character === "*" ? "any" : "one" });
    else if (character === "}") refuse('it holds a "}" without a "{"');
    else if (character !== "{") literal += character;
    else {
      const end = name.indexOf("}", at);
      if (end < 0) refuse('it holds a "{" without a "}" in the same name');
      const variable = name.slice(at + 1, end);
      if (!isVariable(variable)) refuse(`unknown variable "${shorten(variable)}"`, suggestion(variable));
      else push({ kind: "variable", name: variable });
      at = end;
    }
  }
  push();
  return tokens;
}

function suggestion(variable: string): string {
  const meant = nearest(variable, TEMPLATE_VARIABLES);
  return meant === undefined
    ? `known are ${TEMPLATE_VARIABLES.map((one) => `{${one}}`).join(", ")}`
    : `did you mean {${meant}}?`;
}

/** The names of the path a template without wildcards stands for. Errors: `invalid` for a value that cannot be in a name. */
export function fillTemplate(template: PathTemplate, values: VariableTexts): string[] {
  return template.segments.map((segment) => {
    const tokens = segment === "deep" ? [] : fillSegment(template, segment, values);
    const name = tokens.map((token) => token.kind === "text" ? token.text : "").join("");
    return requireName(name, `fill path template "${shorten(template.text)}"`);
  });
}

/** A segment with its values in place: texts and wildcards are left. */
export function fillSegment(
  template: PathTemplate,
  segment: readonly Token[],
  values: VariableTexts,
): Token[] {
  return segment.map((token) => {
    if (token.kind !== "variable") return token;
    const value = values[token.name];
    if (value === undefined || value === "") {
      throw new HoldfastError(
        "invalid",
        `Cannot fill path template "${shorten(template.text)}": there is no ${token.name}`,
      );
    }
    if (/[/\\]/.test(value) || hasControl(value)) {
      throw new HoldfastError(
        "invalid",
        `Cannot fill path template "${shorten(template.text)}": ${token.name} "${
          shorten(value)
        }" cannot be part of a name`,
      );
    }
    return { kind: "text", text: value };
  });
}

/** Returns a text that can be the name of a file. Errors: `invalid`, saying what was to be done with it. */
export function requireName(name: string, what: string): string {
  const reason = name === "" || name === "." || name === ".."
    ? "is no name of a file"
    : /[/\\]/.test(name) || hasControl(name)
    ? "holds a character that a name cannot hold"
    : new TextEncoder().encode(name).length > MAX_NAME_BYTES
    ? `is longer than ${MAX_NAME_BYTES} bytes`
    : undefined;
  if (reason === undefined) return name;
  throw new HoldfastError("invalid", `Cannot ${what}: "${shorten(name)}" ${reason}`, { code: "file_name" });
}

/** True when a name fits a filled segment. Takes at most the product of both lengths in steps. */
export function matchesName(segment: readonly Token[], name: string): boolean {
  const pattern = segment.flatMap((token): string[] =>
    token.kind === "text" ? [...token.text] : [token.kind === "any" ? ANY : ONE]
  );
  const characters = [...name];
  let [p, n, star, from] = [0, 0, -1, 0];
  while (n < characters.length) {
    if (pattern[p] === ANY) [star, from, p] = [p, n, p + 1];
    else if (pattern[p] === ONE || pattern[p] === characters[n]) [p, n] = [p + 1, n + 1];
    else if (star >= 0) [p, n, from] = [star + 1, from + 1, from + 1];
    else return false;
  }
  while (pattern[p] === ANY) p++;
  return p === pattern.length;
}

/** Longer than one character, so that no text of a template is taken for them. */
const [ANY, ONE] = ["any", "one"];

function isWildcard(token: Token): boolean {
  return token.kind === "any" || token.kind === "one";
}

function isVariable(text: string): text is TemplateVariable {
  return TEMPLATE_VARIABLES.some((one) => one === text);
}

function hasControl(text: string): boolean {
  return [...text].some((character) => character < " " || character === "\u007f");
}

/** An error about a long text is not as long as it. */
function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

/** The texts of a job at a due instant. What it does not have is absent, so that a template that needs it says so. */
export function textsOf(values: TemplateValues): VariableTexts {
  const [date = "", time = ""] = values.due_at.split("T");
  const [year = "", month = "", day = ""] = date.split("-");
  const [hour = "", minute = ""] = time.split(":");
  const { company_name, city, neighborhood, database_name, agent_id } = values;
  return {
    company_name,
    city,
    neighborhood,
    database_name,
    db_name: database_name,
    agent_id,
    year: values.year === null ? year : String(values.year),
    month,
    day,
    hour,
    minute,
  };
}
