/** Rows about the registry. */
import type { Row, Rows } from "../row.ts";

const one = (role: Row["role"], fields = {}): Row => ({
  role,
  limited: "scoped",
  input: (_, server) => ({ server: server.name, ...fields }),
});

export const serverRows: Rows = {
  "servers.list": {
    role: "user",
    limited: { servers: idsOf },
    input: () => ({}),
  },
  "servers.get": one("user"),
  "servers.create": {
    role: "operator",
    limited: "refused",
    input: (world) => ({ name: world.fresh("server"), host: "192.0.2.1" }),
  },
  "servers.update": one("operator", { description: "changed" }),
  "servers.delete": {
    role: "operator",
    limited: "scoped",
    input: async (world) => {
      const { name } = await world.local("POST", "/api/v1/servers", {
        name: world.fresh("server"),
        host: "192.0.2.1",
      });
      return { server: name };
    },
    // Who is limited to web-1 is told that it has schedules.
    about: (server) => ({ server: server.name }),
  },
  "servers.check": one("operator"),
};

function idsOf(answer: unknown): number[] {
  if (!Array.isArray(answer)) throw new TypeError("expected a list");
  return answer.map((server) => Number(server.id));
}
