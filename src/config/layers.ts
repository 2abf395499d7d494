/** Reading every layer that can say something, weakest first. */
import { join, resolve } from "node:path";
import { readIfThere, reason } from "./files.ts";
import { emptyReading, type Given, type Layer, type Reading } from "./given.ts";
import type { Names } from "./names.ts";
import { type Host, SYSTEM_FILE, uidOf, userFile } from "./places.ts";
import { readDotenv, readVariables } from "./variables.ts";
import { readYaml } from "./yaml_file.ts";

/** Where the configuration of a process comes from. */
export interface ConfigSources extends Host {
  /** Values of flags by setting; a secret's value is the name of the file that holds it. */
  args?: Record<string, string> | undefined;
  /** Working directory: `./config.yaml`, `.env`, and what relative names start from. */
  cwd: string;
  /** File of `--config`, which takes the place of `./config.yaml` and must exist; default `$HOLDFAST_CONFIG`. */
  configFile?: string | undefined;
  /** File of the whole host; default `/etc/holdfast/config.yaml`. */
  systemFile?: string | undefined;
}

/** What all layers say together, later ones being stronger, and the files that were read. */
export interface AllLayers extends Reading {
  files: string[];
}

/** Reads files, credentials, variables and flags. Problems are collected, never thrown. */
export async function readLayers(sources: ConfigSources, names: Names): Promise<AllLayers> {
  const all: AllLayers = { ...emptyReading(), files: [] };
  for (const { layer, path, required } of configFiles(sources)) {
    if (path === undefined || all.files.includes(path)) continue;
    add(
      all,
      await fromFile(
        all,
        path,
        sources,
        required,
        layer === "system",
        (text) => readYaml(text, path, layer, names),
      ),
    );
  }
  add(all, fromCredentials(sources, names));
  const dotenv = join(sources.cwd, ".env");
  add(
    all,
    await fromFile(
      all,
      dotenv,
      sources,
      false,
      false,
      (text) => readDotenv(text, dotenv, sources.cwd, names),
    ),
  );
  const environment = { layer: "environment", source: (name: string) => name, base: sources.cwd } as const;
  add(all, readVariables(sources.env, environment, names));
  add(all, fromFlags(sources, names));
  return all;
}

function configFiles(
  sources: ConfigSources,
): { layer: Layer["name"]; path: string | undefined; required: boolean }[] {
  const named = sources.configFile ?? (sources.env.HOLDFAST_CONFIG || undefined);
  return [
    { layer: "system", path: sources.systemFile ?? SYSTEM_FILE, required: false },
    { layer: "user", path: userFile(sources), required: false },
    { layer: "local", path: resolve(sources.cwd, named ?? "config.yaml"), required: named !== undefined },
  ];
}

async function fromFile(
  all: AllLayers,
  path: string,
  sources: ConfigSources,
  required: boolean,
  skippable: boolean,
  read: (text: string) => Promise<Reading> | Reading,
): Promise<Reading> {
  try {
    const file = readIfThere(path, uidOf(sources));
    if (file === undefined) {
      return required ? problem(path, "cannot read the configuration: no such file") : emptyReading();
    }
    all.files.push(path);
    const reading = await read(file.text);
    reading.warnings.push(...file.warnings);
    const secrets = file.othersRead ? reading.given.filter(holdsSecret).map((given) => given.path) : [];
    if (secrets.length > 0) {
      reading.warnings.push(
        `${path}: anybody on this host may read the secret in it (${
          secrets.join(", ")
        }); run chmod o-r ${path}`,
      );
    }
    return reading;
  } catch (error) {
    // The host's file may be for its daemon only; a person's own commands must still work.
    if (skippable && error instanceof Deno.errors.PermissionDenied) {
      return { ...emptyReading(), warnings: [`${path}: permission denied, its settings do not count`] };
    }
    return problem(path, `cannot read the configuration: ${reason(error)}`);
  }
}

/** True for a secret in words; an address that says only where counts as none, such as that of a syslog. */
function holdsSecret({ leaf, inFile, value }: Given): boolean {
  if (!leaf.secret || inFile || value === null || value === "") return false;
  if (typeof value !== "string" || !/(^|\.)url$/.test(leaf.path)) return true;
  const { protocol, username, password, pathname, search } = URL.parse(value) ?? {};
  if (protocol === undefined || `${username}${password}${search}` !== "") return true;
  return protocol !== "unix:" && pathname !== "" && pathname !== "/";
}

/** Secrets that systemd hands over: a file per setting, named as its key (systemd.exec(5), LoadCredential=). */
function fromCredentials({ env, cwd }: ConfigSources, names: Names): Reading {
  const reading = emptyReading();
  const directory = env.CREDENTIALS_DIRECTORY;
  if (!directory) return reading;
  try {
    for (const { name } of Deno.readDirSync(directory)) {
      const found = names.at(name);
      // A unit may hand over other things, such as a TLS key.
      if (found === undefined || !found.leaf.secret || found.inFile) continue;
      const file = join(directory, name);
      reading.given.push({
        ...found,
        inFile: true,
        value: file,
        base: cwd,
        layer: { name: "credential", source: file },
      });
    }
    return reading;
  } catch (error) {
    return problem(directory, `cannot read the credentials: ${reason(error)}`);
  }
}

function fromFlags({ args = {}, cwd }: ConfigSources, names: Names): Reading {
  const reading = emptyReading();
  for (const [path, value] of Object.entries(args)) {
    const found = names.at(path);
    if (found === undefined) {
      reading.problems.push({ path, source: "", message: `unknown setting "${path}"` });
      continue;
    }
    const name = path.split(".")[found.leaf.path.split(".").indexOf("*")] ?? "";
    const source = found.leaf.flag.replace("<name>", name);
    reading.given.push({
      ...found,
      inFile: found.leaf.secret,
      value,
      base: cwd,
      layer: { name: "flag", source },
    });
  }
  return reading;
}

function problem(source: string, message: string): Reading {
  return { ...emptyReading(), problems: [{ path: "", source, message }] };
}

function add(all: AllLayers, reading: Reading): void {
  all.given.push(...reading.given);
  all.problems.push(...reading.problems);
  all.warnings.push(...reading.warnings);
}
