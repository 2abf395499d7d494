/** What people can ask of the registry. */
import { z } from "zod";
import { EXIT_BAD_ANSWER } from "../lib/errors.ts";
import { type Operation, operation } from "../lib/operation.ts";
import { parseCheck, Server, ServerChanges, ServerFields } from "./model.ts";
import type { Servers } from "./servers.ts";

/** What the operations need of the app. */
export interface ServersApp {
  servers: Servers;
}

const Ref = z.strictObject({ server: z.string().min(1).describe("Name or id of the server") });

const scope = {
  server: async (app: ServersApp, input: z.output<typeof Ref>) =>
    (await app.servers.resolve(input.server)).id,
};

const columns = [
  { key: "id", align: "right" },
  { key: "name" },
  { key: "host" },
  { key: "running_check.kind", title: "check" },
  { key: "last_check_running", title: "running", format: "boolean" },
  { key: "last_check_at", title: "asked", format: "instant" },
] as const;

const flags = {
  description: { flag: "--description <text>" },
  running_check: {
    flag: "--running-check <check>",
    description:
      'none, tcp:PORT, tcp:HOST:PORT, http://..., process:NAME, systemd:UNIT, or JSON: {"kind":"command","command":["true"]}',
    parse: parseCheck,
  },
  "default_engine_options.sources": {
    flag: "--default-source <path>...",
    description: "What schedules that name no engine back up",
    path: true,
  },
  "default_engine_options.destination": {
    flag: "--default-destination <directory>",
    description: "Where such schedules write their backups",
    path: true,
  },
  default_engine_options: { flag: "--default-engine-options <json>" },
};

export const listServers = operation({
  name: "servers.list",
  route: "GET /api/v1/servers",
  role: "user",
  scope: "filtered",
  summary: "List the servers of the registry",
  input: z.strictObject({}),
  output: z.array(Server),
  cli: { columns, examples: ["holdfast servers list", "holdfast servers list --output json"] },
  run: (app: ServersApp, _input, caller) => app.servers.list(caller),
});

export const getServer = operation({
  name: "servers.get",
  route: "GET /api/v1/servers/{server}",
  role: "user",
  scope,
  summary: "Show one server",
  input: Ref,
  output: Server,
  cli: { args: ["server"], examples: ["holdfast servers get web-1"] },
  run: (app: ServersApp, input, caller) => app.servers.get(input.server, caller),
});

export const createServer = operation({
  name: "servers.create",
  route: "POST /api/v1/servers",
  role: "operator",
  scope: { server: () => Promise.resolve(null) },
  summary: "Register a server",
  description:
    "Running checks of kind command need role admin and backups.allow_commands. Over the network, " +
    "an operator's tcp and http checks are kept to the server's own host.",
  input: ServerFields,
  output: Server,
  status: 201,
  cli: {
    flags,
    examples: [
      "holdfast servers create --name web-1 --host 127.0.0.1",
      "holdfast servers create --name db-1 --host 192.0.2.10 --running-check tcp:5432",
      "holdfast servers create --name nas --host nas.example.org --default-engine archive " +
      "--default-source /srv/data --default-destination /srv/backups",
    ],
    text: (server) => `Registered server "${server.name}" (id ${server.id})`,
  },
  run: (app: ServersApp, input, caller) => app.servers.create(input, caller),
});

export const updateServer = operation({
  name: "servers.update",
  route: "PUT /api/v1/servers/{server}",
  role: "operator",
  scope,
  summary: "Change a server; fields that are not given stay as they are",
  input: Ref.extend(ServerChanges.shape),
  output: Server,
  cli: {
    args: ["server"],
    flags,
    examples: ["holdfast servers update web-1 --running-check systemd:nginx.service"],
    text: (server) => `Changed server "${server.name}" (id ${server.id})`,
  },
  run: (app: ServersApp, { server, ...changes }, caller) => app.servers.update(server, changes, caller),
});

export const deleteServer = operation({
  name: "servers.delete",
  route: "DELETE /api/v1/servers/{server}",
  role: "operator",
  scope,
  summary: "Take a server out of the registry",
  description: "Refused while it has schedules. Its backups stay.",
  input: Ref,
  output: z.null(),
  status: 204,
  cli: {
    args: ["server"],
    confirm: "Take this server out of the registry?",
    text: () => "Deleted the server",
    examples: ["holdfast servers delete web-1 --yes"],
  },
  run: (app: ServersApp, input, caller) => app.servers.delete(input.server, caller),
});

export const checkServer = operation({
  name: "servers.check",
  route: "POST /api/v1/servers/{server}/check",
  role: "operator",
  scope,
  summary: "Ask now whether a server is running",
  description: "The command ends with 20 when it is not.",
  input: Ref,
  output: Server,
  unaudited: true,
  cli: {
    args: ["server"],
    text: (server) => `${server.name}: ${server.last_check_detail}`,
    exit: (server) => server.last_check_running ? 0 : EXIT_BAD_ANSWER,
    examples: ["holdfast servers check web-1"],
  },
  run: (app: ServersApp, input, caller) => app.servers.check(input.server, caller),
});

export const operations: readonly Operation<ServersApp>[] = [
  listServers,
  getServer,
  createServer,
  updateServer,
  deleteServer,
  checkServer,
];
