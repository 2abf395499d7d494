/** Rows about users, tokens, keys, secrets and the audit log. */
import { PASSWORD } from "../../support/app.ts";
import type { World } from "../../support/world.ts";
import type { Row, Rows } from "../row.ts";

const NEW_PASSWORD = "another long secret";

/** Hashing a password takes long on purpose, so each world has one user for all rows that leave it as it is. */
const BO = new WeakMap<World, Promise<string>>();

function bo(world: World): Promise<string> {
  const known = BO.get(world) ?? makeUser(world);
  BO.set(world, known);
  return known;
}

async function makeUser(world: World): Promise<string> {
  const name = world.fresh("bo");
  await world.local("POST", "/api/v1/users", { name, password: PASSWORD });
  return name;
}

async function logIn(world: World): Promise<string> {
  const pair = await world.local("POST", "/api/v1/auth/token", {
    username: await bo(world),
    password: PASSWORD,
  });
  return String(pair.access_token);
}

async function makeKey(world: World): Promise<string> {
  const { name } = await world.local("POST", "/api/v1/api-keys", { name: world.fresh("agent") });
  return String(name);
}

const admin = (input: Row["input"] = () => ({})): Row => ({ role: "admin", limited: "never", input });

const user = (fields: object = {}): Row => admin(async (world) => ({ user: await bo(world), ...fields }));

const open = (input: Row["input"]): Row => ({ role: "public", limited: "free", input });

const own = (input: Row["input"]): Row => ({ role: "user", limited: "free", input, as: logIn });

export const accessRows: Rows = {
  "users.list": admin(),
  "users.get": user(),
  "users.create": admin((world) => ({ name: world.fresh("cy"), password: PASSWORD })),
  "users.update": user({ role: "user" }),
  "users.passwd": own(async (world) => ({
    user: await bo(world),
    password: PASSWORD,
    current_password: PASSWORD,
  })),
  "users.disable": admin(async (world) => ({ user: await makeUser(world) })),
  "users.enable": user(),
  "users.delete": admin(async (world) => ({ user: await makeUser(world) })),
  "users.assign": user({ servers: ["web-1"] }),
  "users.revoke-sessions": user(),
  "auth.token": open(async (world) => ({ username: await bo(world), password: PASSWORD })),
  "auth.refresh": open(async (world) => {
    const pair = await world.local("POST", "/api/v1/auth/token", {
      username: await bo(world),
      password: PASSWORD,
    });
    return { refresh_token: pair.refresh_token };
  }),
  "auth.logout": own(() => ({})),
  "auth.logout-all": own(() => ({})),
  "auth.setup": open(async (world) => ({
    code: await world.app.setupCode(),
    username: world.fresh("ada"),
    password: NEW_PASSWORD,
  })),
  "auth.me": { role: "user", limited: "free", input: () => ({}) },
  "auth.rotate-key": admin(),
  "api-keys.list": admin(),
  "api-keys.get": admin(async (world) => ({ key: await makeKey(world) })),
  "api-keys.create": admin((world) => ({ name: world.fresh("agent"), role: "operator" })),
  "api-keys.revoke": admin(async (world) => ({ key: await makeKey(world) })),
  "secrets.list": { role: "operator", limited: "free", input: () => ({}) },
  "secrets.set": { ...admin(() => ({ name: "db", value: "horse staple value" })), missing: false },
  "secrets.delete": admin(async (world) => {
    await world.local("PUT", "/api/v1/secrets/gone", { value: "horse staple value" });
    return { name: "gone" };
  }),
  "audit.list": admin(),
};
