/**
 * The HTTP API of one VyOS router, call by call. Words of the API stop here.
 *
 * Nothing here waits for turns, repeats a write or decides what a lost answer means: {@linkcode Turns} and the service do.
 */
import type { Clock } from "../lib/clock.ts";
import { redactText } from "../lib/redact.ts";
import { type Fetch, type Trust, Upstream, UpstreamError } from "../lib/upstream.ts";
import { dataOf, isVyos, meaningOf } from "./envelope.ts";
import { type Command, isTree, type Tree } from "./tree.ts";

/** What a client is made of. */
export interface VyosOptions {
  /** Name of the router in the configuration. */
  name: string;
  url: string;
  key: string;
  trust?: Trust;
  clock: Clock;
  fetch?: Fetch;
  /** Longest wait for a commit, in milliseconds; the router's own proxy gives up after 600 s. */
  timeoutMs: number;
}

/** How a body goes: all releases read both, though not for every call. */
type Encoding = "form" | "json";

/** Longest wait for a read, in milliseconds. */
const READ_MS = 60_000;
/** First and longest wait between looks at a job in the background, in milliseconds. */
const [LOOK_MS, LONGEST_LOOK_MS] = [50, 2000];

export class VyosClient implements AsyncDisposable {
  readonly name: string;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #upstream: Upstream;

  constructor({ name, url, key, trust, clock, fetch, timeoutMs }: VyosOptions) {
    this.name = `router "${name}"`;
    this.#key = key;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#upstream = new Upstream({
      name: this.name,
      baseUrl: url,
      clock,
      retries: 1,
      secrets: () => [key],
      ...(trust === undefined ? {} : { trust }),
      ...(fetch === undefined ? {} : { fetch }),
    });
  }

  /** Version and host name without a key, where the release tells them (2025 and later); else undefined. */
  async info(signal: AbortSignal): Promise<{ version: string; hostname: string } | undefined> {
    const answer = await this.#open("/info", signal);
    const data: unknown = isTree(answer) ? answer.data : undefined;
    if (!isTree(data)) return undefined;
    const { version, hostname } = data;
    return typeof version === "string" ? { version, hostname: String(hostname ?? "") } : undefined;
  }

  /** The description of the running API; undefined where it is not served. */
  openApi(signal: AbortSignal): Promise<unknown> {
    return this.#open("/openapi.json", signal);
  }

  /** A GET that may be unknown to the release. Errors: only when the router cannot be reached. */
  async #open(path: string, signal: AbortSignal): Promise<unknown> {
    try {
      const answer = await this.#upstream.request({ method: "GET", path, signal, timeoutMs: READ_MS });
      return JSON.parse(answer.text);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SyntaxError) return undefined;
      const meant = meaningOf(this.name, "read its version", error, false);
      if (isVyos(meant, "proxy", "refused", "wrong_key")) return undefined;
      throw meant;
    }
  }

  /** The configuration below a path, `{}` where nothing is set. */
  async showConfig(path: readonly string[], signal: AbortSignal): Promise<Tree> {
    try {
      const data = await this.#read(
        "/retrieve",
        { op: "showConfig", path },
        "read the configuration",
        signal,
      );
      return isTree(data) ? data : {};
    } catch (error) {
      if (isVyos(error, "empty")) return {};
      throw error;
    }
  }

  /** The value of a leaf; null where it is not set. */
  async returnValue(path: readonly string[], signal: AbortSignal): Promise<string | null> {
    const data = await this.#read("/retrieve", { op: "returnValue", path }, "read a value", signal);
    return typeof data === "string" ? data : null;
  }

  async returnValues(path: readonly string[], signal: AbortSignal): Promise<string[]> {
    const data = await this.#read("/retrieve", { op: "returnValues", path }, "read values", signal);
    return Array.isArray(data) ? data.map(String) : [];
  }

  async exists(path: readonly string[], signal: AbortSignal): Promise<boolean> {
    return await this.#read("/retrieve", { op: "exists", path }, "look for a node", signal) === true;
  }

  /** Output of a command of operational mode. */
  async show(path: readonly string[], signal: AbortSignal): Promise<string> {
    return String(await this.#read("/show", { op: "show", path }, `show ${path.join(" ")}`, signal) ?? "");
  }

  async generate(path: readonly string[], signal: AbortSignal): Promise<string> {
    return String(await this.#write("/generate", { op: "generate", path }, "generate", signal) ?? "");
  }

  async reset(path: readonly string[], signal: AbortSignal): Promise<string> {
    return String(
      await this.#write("/reset", { op: "reset", path }, `reset ${path.join(" ")}`, signal) ?? "",
    );
  }

  /**
   * Sends commands as one commit and returns what the commit said. With `confirmMinutes` the router goes back by itself
   * unless {@linkcode confirm} comes in time. Errors: `lost` when it may have been done.
   */
  async configure(
    commands: readonly Command[],
    options: { confirmMinutes?: number | undefined; background?: boolean },
    signal: AbortSignal,
  ): Promise<string> {
    const { confirmMinutes, background = false } = options;
    // A bare array would lose the confirm time, and the change would be for good.
    const data = { commands, ...(confirmMinutes === undefined ? {} : { confirm_time: confirmMinutes }) };
    const path = background ? "/configure?in_background=true" : "/configure";
    const answer = await this.#write(path, data, "change the configuration", signal, "form");
    return background ? await this.#job(answer, signal) : String(answer ?? "");
  }

  /** Waits for a job; one that the router has forgotten is a lost answer. */
  async #job(answer: unknown, signal: AbortSignal): Promise<string> {
    const what = "change the configuration";
    const operation = isTree(answer) && isTree(answer.operation) ? answer.operation : {};
    const id = String(operation.op_id ?? "");
    const until = this.#clock.now() + this.#timeoutMs;
    for (let wait = LOOK_MS;; wait = Math.min(wait * 2, LONGEST_LOOK_MS)) {
      await this.#clock.sleep(wait, signal);
      const query = `/retrieve/background-operations?op_id=${encodeURIComponent(id)}`;
      const data = await this.#read(query, {}, "look at a job", signal).catch((error: unknown) => {
        throw meaningOf(this.name, what, lostJob(error), true);
      });
      const operations: unknown = isTree(data) ? data.operations : undefined;
      const job: unknown = Array.isArray(operations) ? operations[0] : undefined;
      const { status, result, error }: Tree = isTree(job) ? job : {};
      if (status === "succeeded") return String(result ?? "");
      if (status === "failed") {
        const text = JSON.stringify({ success: false, data: null, error: String(error) });
        dataOf(this.name, what, { status: 400, headers: new Headers(), text }, (said) => this.#clean(said));
      }
      const lost = (status !== "queued" && status !== "running") || this.#clock.now() > until;
      if (lost) throw meaningOf(this.name, what, lostJob(undefined), true);
    }
  }

  /** Ends the timer of a change; false when nothing was pending. */
  async confirm(signal: AbortSignal): Promise<boolean> {
    const said = await this.#write("/configure", { op: "confirm" }, "confirm the change", signal, "json");
    return !/no confirm pending/i.test(String(said ?? ""));
  }

  /** Sets or loads whole sections (1.4 and later). */
  async configureSection(
    commands: readonly { op: "set" | "load"; path: readonly string[]; section: Tree }[],
    signal: AbortSignal,
  ): Promise<string> {
    return String(await this.#write("/configure-section", { commands }, "change a section", signal) ?? "");
  }

  /** Writes the running configuration to the router's disk. */
  async save(signal: AbortSignal): Promise<string> {
    return String(await this.#write("/config-file", { op: "save" }, "save the configuration", signal) ?? "");
  }

  /** Replaces the configuration by that of a file of the router. */
  async load(file: string, signal: AbortSignal): Promise<string> {
    return String(
      await this.#write("/config-file", { op: "load", file }, "load a configuration", signal) ?? "",
    );
  }

  /** The images that are installed, as the router lists them. */
  async images(signal: AbortSignal): Promise<string> {
    return await this.show(["system", "image"], signal);
  }

  /**
   * Waits until whatever another request of ours may still be doing is over, and throws away what a failed one left:
   * a command that cannot be valid takes its turn at the router's own lock, is refused, and the candidate is discarded.
   */
  async settle(signal: AbortSignal): Promise<void> {
    const nonsense = { commands: [{ op: "set", path: ["holdfast-settle"] }] };
    await this.#write("/configure", nonsense, "settle", signal).catch((error: unknown) => {
      if (!isVyos(error, "refused")) throw error;
    });
  }

  #read(path: string, data: object, what: string, signal: AbortSignal): Promise<unknown> {
    return this.#call(path, data, what, signal, "form", false);
  }

  #write(
    path: string,
    data: object,
    what: string,
    signal: AbortSignal,
    encoding: Encoding = "form",
  ): Promise<unknown> {
    return this.#call(path, data, what, signal, encoding, true);
  }

  async #call(
    path: string,
    data: object,
    what: string,
    signal: AbortSignal,
    encoding: Encoding,
    write: boolean,
  ): Promise<unknown> {
    const body = encoding === "json"
      ? { json: { ...data, key: this.#key } }
      : { form: { data: JSON.stringify(data), key: this.#key } };
    try {
      const answer = await this.#upstream.request({
        method: "POST",
        path,
        ...body,
        signal,
        idempotent: !write,
        timeoutMs: write ? this.#timeoutMs : READ_MS,
      });
      return dataOf(this.name, what, answer, (text) => this.#clean(text));
    } catch (error) {
      signal.throwIfAborted();
      throw meaningOf(this.name, what, error, write);
    }
  }

  #clean(text: string): string {
    const clean = redactText(text);
    return this.#key.length < 4 ? clean : clean.replaceAll(this.#key, "***");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#upstream[Symbol.asyncDispose]();
  }
}

/** What cannot be asked about any more may have been done all the same. */
function lostJob(cause: unknown): UpstreamError {
  return new UpstreamError("Cannot follow a job of the router", {
    status: null,
    code: "lost",
    ...(cause === undefined ? {} : { cause }),
  });
}
