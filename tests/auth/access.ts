/** Access on a real database with a clock that stands still, cheap password hashes, and people to call as. */
import { Auth, type AuthApp, type AuthSettings } from "../../src/auth/mod.ts";
import type { Identity } from "../../src/lib/caller.ts";
import { operations } from "../../src/auth/operations.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { type Caller, invoke, type Operation } from "../../src/lib/operation.ts";
import { type Database, recordAudit } from "../../src/store/mod.ts";
import { FakeClock } from "../support/clock.ts";
import { caller, tempStore } from "../support/store.ts";

export const START = "2030-01-01T00:00:00.000Z";
export const PASSWORD = "long secret";
export const MINUTE = 60_000;

export const SETTINGS: AuthSettings = {
  access_token_seconds: 1800,
  refresh_token_seconds: 2_592_000,
  login_per_minute: 10,
  lockout_after: 5,
  lockout_seconds: 900,
  min_password_length: 10,
  setup_code_seconds: 3600,
};

const ALL: readonly Operation<AuthApp>[] = operations;

/** Servers there are. */
const SERVERS: Record<string, number> = { "web-1": 1, "web-2": 2 };

/** One installation for a test. */
export interface Access extends AsyncDisposable {
  auth: Auth;
  database: Database;
  clock: FakeClock;
  dir: string;
  /** Another process on the same data directory: nothing kept in memory. */
  restart(settings?: Partial<AuthSettings>): Auth;
  /** Calls an operation through the one way in. */
  call(name: string, input: object, from?: Caller): Promise<unknown>;
  /** A user named after the role, as the API makes its caller. */
  as(role: "user" | "operator" | "admin"): Promise<Caller>;
}

export async function access(settings: Partial<AuthSettings> = {}): Promise<Access> {
  const clock = new FakeClock(START);
  const store = await tempStore(clock);
  const start = (changed: Partial<AuthSettings>) =>
    new Auth({
      database: store.database,
      clock,
      dataDir: store.dir,
      settings: { ...SETTINGS, ...settings, ...changed },
      passwordCost: { ln: 4, r: 1, p: 1 },
      resolveServer,
    });
  const auth = start({});
  const call = (name: string, input: object, from: Caller = caller()) =>
    callOn(auth, store.database, clock, name, input, from);
  return {
    auth,
    database: store.database,
    clock,
    dir: store.dir,
    restart: (changed = {}) => start(changed),
    call,
    async as(role) {
      const user = await auth.users.create({ name: `${role}-1`, role, password: PASSWORD }, caller());
      return person({ id: user.id, name: user.name, role, servers: role === "user" ? [] : null });
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function resolveServer(ref: string | number): Promise<number> {
  const id = Object.values(SERVERS).find((id) => String(id) === String(ref)) ?? SERVERS[ref];
  return id === undefined
    ? Promise.reject(new HoldfastError("not_found", `Cannot find server "${ref}"`))
    : Promise.resolve(id);
}

async function callOn(
  auth: Auth,
  database: Database,
  clock: FakeClock,
  name: string,
  input: object,
  from: Caller,
): Promise<unknown> {
  const op = ALL.find((op) => op.name === name);
  if (op === undefined) throw new Error(`no operation ${name}`);
  const kernel = {
    app: { auth },
    audit: (who: Caller, outcome: string) =>
      database.transaction((tx) => recordAudit(tx, who, { target: "", outcome }, clock.now())),
  };
  return await invoke(kernel, op, input, from);
}

/** Somebody who came over the network. */
export function person(identity: Partial<Identity> = {}): Caller {
  return caller({ kind: "user", id: 99, name: "ada", on_host: false, address: "192.0.2.1", ...identity });
}

/** Nobody in particular, from an address. */
export function nobody(address = "192.0.2.1"): Caller {
  return person({ kind: "anonymous", id: 0, name: "anonymous", role: "public", address });
}
