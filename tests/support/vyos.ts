/**
 * A fake VyOS router: its configuration, and its HTTP API with the manners of the real one.
 *
 * One commit per request, all or nothing; one candidate for everybody; a confirm timer with both ways to go back; no
 * answer where the real one would give a page of its proxy. What a release does not know is refused in its words.
 */
import type { Release } from "../../src/network/release.ts";
import { type Tree, treeAt } from "../../src/network/tree.ts";
import { schemaOf } from "./vyos_schema.ts";
import { change, copyOf, type FakeCommand, judge, type Node } from "./vyos_tree.ts";

/** What goes wrong with the next matching request. */
export type Fault =
  /** Done, but the answer never comes. */
  | "lost_done"
  /** The connection breaks before anything is done. */
  | "lost_undone"
  /** A page of the proxy, and nothing done. */
  | "502"
  | "503"
  /** The proxy gave up waiting; the commit is done. */
  | "504_done"
  /** Refused with a validation dump that holds the whole request, key and all. */
  | "echo_key"
  | "locked"
  /** The commit is done, but what it did is not there: as when somebody else undoes it at once. */
  | "undone_silently"
  /** Nobody listens. */
  | "unreachable";

export interface FakeOptions {
  release?: Release;
  key?: string;
  config?: Tree;
  /** Text of `show version`, where it is not that of the release. */
  version?: string;
  /** Knows commit-confirm; default: only rolling does. */
  confirm?: boolean;
  background?: boolean;
  strict?: boolean;
  /** Wait before each commit is done, in turns of the event loop. */
  slow?: number;
}

const VERSIONS: Readonly<Record<Release, string>> = {
  "1.3": "VyOS 1.3.5",
  "1.4": "VyOS 1.4.0",
  "1.5": "VyOS 1.5.0",
  rolling: "VyOS 2026.02.01-0020-rolling",
};

const ID = "0b9f2a54-6a0e-4a8e-9d5c-1d2f3a4b5c6d";

export class FakeVyos {
  readonly release: Release;
  readonly key: string;
  version: string;
  running: Node;
  saved: Node;
  /** Each commit that was done: its commands. */
  readonly commits: FakeCommand[][] = [];
  /** Each request: its path and, for calls with one, its `op`. */
  readonly requests: string[] = [];
  readonly faults: { path: RegExp; fault: Fault }[] = [];
  /** The state a timer would bring back; undefined while none runs. */
  pending: Node | undefined;
  locked = false;
  /** What each commit is refused with, when it is. */
  refuse: string | undefined;
  leases = "";
  /** Told how long each answer took, in milliseconds. */
  onAnswer: (ms: number) => void = () => {};
  /** Requests that change something, under way at once; never more than one may be. */
  most = 0;
  #writing = 0;
  #readDuringWrite = 0;
  readonly #options: FakeOptions;
  readonly #jobs = new Map<string, object>();

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.release = options.release ?? "rolling";
    this.key = options.key ?? "key-of-the-router";
    this.version = options.version ?? VERSIONS[this.release];
    this.running = copyOf(options.config ?? {});
    this.saved = copyOf(this.running);
  }

  get confirms(): boolean {
    return this.#options.confirm ?? this.release === "rolling";
  }

  get readsDuringWrites(): number {
    return this.#readDuringWrite;
  }

  /** The next request whose path matches goes wrong. */
  fail(path: RegExp, fault: Fault): void {
    this.faults.push({ path, fault });
  }

  /** Commits commands, all or none. Returns the engine's error. */
  commit(commands: readonly FakeCommand[]): string | undefined {
    if (this.refuse !== undefined) return this.refuse;
    const candidate = copyOf(this.running);
    for (const command of commands) {
      const refused = change(candidate, command, this.release, this.#options.strict ?? false);
      if (refused !== undefined) return refused;
    }
    const refused = judge(candidate, this.release);
    if (refused !== undefined) return refused;
    this.running = candidate;
    this.commits.push([...commands]);
    return undefined;
  }

  /** What somebody does at the console. Throws when it is refused. */
  edit(...lines: string[]): void {
    const commands = lines.map((line) => this.#parse(line));
    const refused = this.commit(commands);
    if (refused !== undefined) throw new Error(refused);
    this.commits.pop();
  }

  #parse(line: string): FakeCommand {
    const [op = "", ...words] = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
    const schema = schemaOf(this.release);
    // Without the schema the words tell: these are leaves without a value, and nothing else ends with a node.
    const hasValue = op === "set" &&
      (schema === undefined
        ? !["disable", "log"].includes(words.at(-1)!)
        : schema.find(words.slice(0, -1))?.kind === "leaf");
    return hasValue ? { op, path: words.slice(0, -1), value: words.at(-1)! } : { op, path: words };
  }

  /** The timer of an unconfirmed commit runs out. */
  runOut(): void {
    if (this.pending === undefined) return;
    const action = treeAt(this.running, ["system", "config-management", "commit-confirm"])?.action;
    this.running = action === "reload" ? this.pending : copyOf(this.saved);
    this.pending = undefined;
  }

  reboot(): void {
    this.running = copyOf(this.saved);
    this.pending = undefined;
  }

  /** The API, as a fetch. */
  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    init.signal?.throwIfAborted();
    const { pathname, searchParams } = new URL(url);
    const index = this.faults.findIndex(({ path }) => path.test(pathname));
    const fault = index < 0 ? undefined : this.faults.splice(index, 1)[0]!.fault;
    if (fault === "unreachable") {
      throw new TypeError("error sending request: Connection refused (os error 111)");
    }
    if (fault === "lost_undone") throw new TypeError("connection closed before message completed");
    if (fault === "502" || fault === "503") return page(Number(fault));
    const writes = /^\/(configure|config-file|generate|reset)/.test(pathname);
    if (this.#writing > 0 && /^\/retrieve$/.test(pathname)) this.#readDuringWrite++;
    if (writes) this.most = Math.max(this.most, ++this.#writing);
    const began = performance.now();
    try {
      for (let i = 0; i < (this.#options.slow ?? 1); i++) {
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      const body = typeof init.body === "string" ? init.body : "";
      const answer = this.#answer(pathname, searchParams, body, fault);
      if (fault === "lost_done") throw new TypeError("connection closed before message completed");
      return fault === "504_done" ? page(504) : answer;
    } finally {
      if (writes) this.#writing--;
      this.onAnswer(performance.now() - began);
    }
  };

  #answer(path: string, query: URLSearchParams, body: string, fault: Fault | undefined): Response {
    if (path === "/info" && this.confirms) {
      const version = this.version.replace(/^VyOS /, "");
      return envelope({ version, hostname: "vyos", banner: "" });
    }
    if (path === "/openapi.json") return Response.json(this.#openApi());
    const request = requestOf(body);
    this.requests.push(`${path}${typeof request?.data.op === "string" ? ` ${request.data.op}` : ""}`);
    if (request === undefined) return failure(400, "Failed to parse JSON: Expecting value");
    if (request.key !== this.key) return failure(401, "Valid API key is required");
    if (fault === "echo_key") {
      return failure(400, `[{'type': 'missing', 'input': {'key': '${this.key}', 'op': 'set'}}]`);
    }
    const { data } = request;
    switch (path) {
      case "/retrieve":
        return this.#retrieve(data);
      case "/retrieve/background-operations":
        return envelope({
          operations: [this.#jobs.get(query.get("op_id") ?? "")].filter((job) => job !== undefined),
        });
      case "/configure":
        return this.#configure(data, query.has("in_background"), fault);
      case "/config-file":
        return this.#file(data);
      case "/show":
        return this.#show(data.path ?? []);
      case "/generate":
      case "/reset":
        return envelope("");
      default:
        return Response.json({ detail: "Not Found" }, { status: 404 });
    }
  }

  #openApi(): object {
    const confirm = this.confirms ? { confirm_time: { type: "integer" } } : {};
    const background = this.#options.background ?? this.release === "rolling";
    return {
      paths: { "/configure": {}, ...(background ? { "/retrieve/background-operations": {} } : {}) },
      components: { schemas: { ConfigureModel: { properties: { op: {}, ...confirm } } } },
    };
  }

  #retrieve({ op, path = [] }: Body): Response {
    if (op === "exists") return envelope(this.#valueAt(path) !== undefined);
    if (op === "returnValue") {
      const value = this.#valueAt(path);
      return envelope(typeof value === "string" ? value : null);
    }
    if (op === "returnValues") {
      const value = this.#valueAt(path);
      return envelope(typeof value === "string" ? [value] : Array.isArray(value) ? value : []);
    }
    if (op !== "showConfig") return failure(400, `'${op}' is not a valid operation`);
    if (path.length > 0 && schemaOf(this.release) !== undefined && path[0] !== "system") {
      if (schemaOf(this.release)?.find(path) === undefined) {
        return failure(400, "Specified configuration path is not valid");
      }
    }
    const value = this.#valueAt(path);
    if (value === undefined) return failure(400, "Configuration under specified path is empty");
    const kind = schemaOf(this.release)?.find(path)?.kind;
    // A tag node and a leaf come with one level around them.
    return envelope(kind === "tag" || kind === "leaf" ? { [path.at(-1)!]: value } : value);
  }

  #valueAt(path: readonly string[]): Node[string] | undefined {
    let value: Node[string] | undefined = this.running;
    for (const name of path) {
      value = typeof value === "object" && !Array.isArray(value) ? value[name] : undefined;
    }
    return value;
  }

  #configure(data: Body, background: boolean, fault: Fault | undefined): Response {
    if (data.op === "confirm") {
      const said = this.pending === undefined ? "No confirm pending" : "Reload timer stopped";
      this.pending = undefined;
      return this.confirms ? envelope(said) : failure(400, "'confirm' is not a valid operation");
    }
    if (this.locked || fault === "locked") {
      return failure(400, "Configuration system temporarily locked due to another commit in progress\n\n\n");
    }
    const commands = data.commands ?? [{ op: data.op ?? "", path: data.path ?? [] }];
    const before = copyOf(this.running);
    const refused = this.commit(commands);
    const minutes = this.confirms ? data.confirm_time : undefined;
    if (refused === undefined && fault === "undone_silently") this.running = before;
    const pending = this.pending;
    if (refused === undefined && minutes !== undefined && pending === undefined) this.pending = before;
    if (background) {
      const error = refused ??
        (minutes !== undefined && pending !== undefined ? "Another confirm is pending" : null);
      this.#jobs.set(ID, { op_id: ID, status: error === null ? "succeeded" : "failed", result: "", error });
      return Response.json({ operation: { op_id: ID, status: "queued", result: null, error: null } });
    }
    if (refused !== undefined) return failure(400, this.release === "1.3" ? refused : escape(refused));
    if (minutes !== undefined && pending !== undefined) return failure(400, "Another confirm is pending");
    return envelope(
      minutes === undefined
        ? null
        : `Initialized commit-confirm; ${minutes} minutes to confirm before reload`,
    );
  }

  #file({ op }: Body): Response {
    if (op !== "save") return failure(400, `'${op}' is not a valid operation`);
    this.saved = copyOf(this.running);
    return envelope("Saving configuration to '/config/config.boot'...\nDone\n");
  }

  #show(path: readonly string[]): Response {
    const words = path.join(" ");
    if (words === "version") return envelope(`Version:          ${this.version}\nRelease train:    x\n`);
    if (words.startsWith("dhcp server leases")) return envelope(this.leases);
    if (words.startsWith("nat destination statistics")) {
      return envelope(
        "rule    packets    bytes    interface\n------  ---------  -------  ---------\n10000   12         3400     eth0\n",
      );
    }
    return failure(400, `\n  Invalid command: show [${words}]\n\n`);
  }
}

interface Body {
  op?: string;
  path?: string[];
  commands?: FakeCommand[];
  confirm_time?: number;
}

/** The body in any of the encodings the releases read. */
function requestOf(body: string): { key: string; data: Body } | undefined {
  try {
    if (!body.startsWith("{")) {
      const form = new URLSearchParams(body);
      const data = JSON.parse(form.get("data") ?? "");
      return { key: form.get("key") ?? "", data: Array.isArray(data) ? { commands: data } : data };
    }
    const { key, ...data } = JSON.parse(body);
    return { key, data };
  } catch {
    return undefined;
  }
}

const HTML = { "content-type": "text/html; charset=utf-8" };

function envelope(data: unknown): Response {
  return new Response(JSON.stringify({ success: true, data, error: null }), { headers: HTML });
}

function failure(status: number, error: string): Response {
  return new Response(JSON.stringify({ success: false, error, data: null }), { status, headers: HTML });
}

function page(status: number): Response {
  return new Response(`<html>\r\n<head><title>${status}</title></head>\r\n</html>`, {
    status,
    headers: HTML,
  });
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
