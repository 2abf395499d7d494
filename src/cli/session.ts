/**
 * What a command works with: configuration, terminal, and the transport that fits.
 *
 * With `api.url` set it talks to that daemon; with a socket there, to the daemon on this host; with neither it
 * opens the data directory in this process. A socket that nobody answers on is an error: falling back silently
 * would let two programs believe they own the data. What needs only its upstream runs in this process with neither
 * when that upstream is named to it; see `Standalone` in `catalogue.ts`.
 */
import { SLICES } from "../catalogue.ts";
import { ADDRESSING, loadAddress } from "../config/address.ts";
import type { ConfigSources, LoadedConfig } from "../config/mod.ts";
import { localUser } from "../lib/caller.ts";
import { HoldfastError, messageOf } from "../lib/errors.ts";
import { isLoopbackAddress } from "../lib/loopback.ts";
import { isWrite, type Operation } from "../lib/operation.ts";
import type { Access } from "../app.ts";
import type { View } from "./render.ts";
import type { Terminal } from "./terminal.ts";
import { allFlags } from "./setting_flags.ts";
import { isGiven, standaloneOf, standaloneTransport } from "./standalone.ts";
import { httpTransport, processTransport, type Transport } from "./transport.ts";

/** Flags that belong to the command line itself. */
export interface GlobalOptions {
  /** Settings given as flags, by key. */
  settings: Record<string, string>;
  configFile: string | undefined;
  view: View;
}

/** Sections of slices whose commands run without a daemon where their upstream is named to them. */
const STANDALONE_SECTIONS: ReadonlySet<string> = new Set(
  SLICES.flatMap(({ standalone }) => standalone?.connection ?? []).map((path) => path.split(".")[0]!),
);

/** The layers that are given to one command; a file of `--config` is too. */
const GIVEN = ["flag", "environment"];

/** One command's world. */
export class Session {
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  readonly signal: AbortSignal;
  #loaded: Promise<LoadedConfig> | undefined;
  #transport: Transport | undefined;

  constructor(terminal: Terminal, options: GlobalOptions, signal: AbortSignal) {
    this.terminal = terminal;
    this.options = options;
    this.signal = signal;
  }

  /** The configuration; loaded once, its warnings printed once. */
  loaded(): Promise<LoadedConfig> {
    return this.#loaded ??= this.#load();
  }

  async #load(): Promise<LoadedConfig> {
    const { loadConfig } = await import("../config/mod.ts");
    const loaded = await loadConfig(configSources(this.options, this.terminal.env));
    for (const warning of loaded.warnings) this.terminal.note(`warning: ${warning}`);
    return loaded;
  }

  /** The transport for an operation; in process, a write takes the data directory's lock. */
  async transport(op: Operation): Promise<Transport> {
    return this.#transport ??= await this.#connect(op);
  }

  async #connect(op: Operation): Promise<Transport> {
    const standalone = standaloneOf(op);
    if (standalone !== undefined && isGiven(standalone, await this.loaded())) {
      return await standaloneTransport(standalone, await this.loaded(), this.terminal, this.signal);
    }
    const { config: { api }, layers } = await this.#address();
    if (api.url !== null) {
      await refuseFlags(this.options.settings, api.url);
      if (api.key !== null && !api.allow_plain_http) requireEncryption(api.url);
      const headers: Record<string, string> = api.key === null ? {} : { "x-api-key": api.key };
      return httpTransport({ kind: "remote", url: api.url, headers });
    }
    if (await exists(api.socket)) {
      const transport = httpTransport({
        kind: "socket",
        url: "http://holdfast.local",
        socketPath: api.socket,
        headers: { "x-holdfast-user": localUser() },
      });
      await this.#refuseOtherSettings(transport, layers);
      return transport;
    }
    const loaded = await this.loaded();
    if (standalone !== undefined) {
      return await standaloneTransport(standalone, loaded, this.terminal, this.signal);
    }
    const access = op.detached
      ? "none"
      : isWrite(op)
      ? "write"
      : await readingAccess(op, loaded.config.data_dir);
    try {
      return await localTransport(loaded, access, this.signal);
    } catch (error) {
      const isHeld = error instanceof HoldfastError && error.kind === "conflict";
      if (op.readable !== true || isHeld) throw error;
      this.terminal.note(`note: nothing is settled before: ${messageOf(error)}`);
      return await localTransport(loaded, "read", this.signal);
    }
  }

  /** Where the daemon is; nothing else is read when there is nothing else to compare or to tell. */
  async #address(): Promise<Pick<LoadedConfig, "layers"> & { config: Pick<LoadedConfig["config"], "api"> }> {
    if (this.#loaded !== undefined) return await this.#loaded;
    return await loadAddress(configSources(this.options, this.terminal.env)) ?? await this.loaded();
  }

  /** With a daemon up its configuration counts: a setting given to the command that differs is refused by name. */
  async #refuseOtherSettings(transport: Transport, layers: LoadedConfig["layers"]): Promise<void> {
    const commands = this.options.configFile === undefined ? GIVEN : [...GIVEN, "local"];
    const given = [...layers].filter(([key, layer]) =>
      commands.includes(layer.name) && !ADDRESSING.has(key) &&
      // Variables that name an upstream are there for the commands that ask it alone.
      !(layer.name === "environment" && STANDALONE_SECTIONS.has(key.split(".")[0]!))
    );
    if (given.length === 0) return;
    const [{ operations }, { settingTexts }] = await Promise.all([
      import("../config/operations.ts"),
      import("../config/mod.ts"),
    ]);
    const theirs = await transport.call(operations[0]!, {}, this.signal);
    const ours = settingTexts(await this.loaded());
    for (const [key, layer] of given) {
      const there = typeof theirs === "object" && theirs !== null ? Reflect.get(theirs, key) : undefined;
      if (there === ours[key]) continue;
      throw new HoldfastError(
        "invalid",
        `Cannot use ${layer.source === "" ? key : layer.source}: the daemon runs with ${key} = ${
          String(there)
        }`,
        { hint: "leave the setting out, or change the daemon's configuration and restart it" },
      );
    }
  }

  async close(): Promise<void> {
    await this.#transport?.close();
  }
}

/** A daemon elsewhere shows its settings to administrators only, so none can be compared; what is typed is refused. */
async function refuseFlags(settings: GlobalOptions["settings"], url: string): Promise<void> {
  const other = Object.keys(settings).find((key) => !ADDRESSING.has(key));
  if (other === undefined) return;
  const { flag } = (await allFlags()).find(({ key }) => key === other) ?? { flag: other };
  throw new HoldfastError("invalid", `Cannot use ${flag}: the daemon at ${url} has its own configuration`, {
    hint: "leave the setting out, or change the configuration of that daemon",
  });
}

/** A key that travels in the open is a key for everybody on the way. */
function requireEncryption(url: string): void {
  const { protocol, hostname, origin } = new URL(url);
  if (protocol === "https:" || isLoopbackAddress(hostname)) return;
  throw new HoldfastError("invalid", `Cannot send the API key to ${origin}: it would travel unencrypted`, {
    hint: "use https, or allow it with --api-allow-plain-http",
  });
}

/** Where this process's configuration comes from. */
export function configSources(options: GlobalOptions, env: Terminal["env"]): ConfigSources {
  return {
    args: options.settings,
    env,
    cwd: Deno.cwd(),
    ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
  };
}

/** How a reading command opens the data directory: not at all where there is no data and none is needed. */
async function readingAccess(op: Operation, dataDir: string): Promise<Access> {
  const [word] = op.name.split(".");
  if (SLICES.find(({ name }) => name === word)?.readsElsewhere !== true) return "read";
  const { hasData } = await import("../data_dir.ts");
  return await hasData(dataDir) ? "read" : "none";
}

/** The transport into this process, on its data directory. */
async function localTransport(loaded: LoadedConfig, access: Access, signal: AbortSignal): Promise<Transport> {
  const { openLocal } = await import("../app.ts");
  const local = await openLocal(loaded, access);
  return processTransport("process", local.kernel, signal, () => local.close(signal));
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new HoldfastError(
        "forbidden",
        `Cannot look for the daemon's socket "${path}": permission denied`,
        {
          hint: "run as the daemon's user or root, or use --api-url with --api-key-file",
        },
      );
    }
    throw error;
  }
}
