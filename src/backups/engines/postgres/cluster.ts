/** Dumping a whole cluster, or what belongs to no database, as SQL. */
import type { Artifact, MakeRequest } from "../../engine.ts";
import { makeDump, type Produced } from "../dump/artifact.ts";
import { openSink } from "../dump/work.ts";
import { Meter } from "../tools/meter.ts";
import { type Client, PG_DUMPALL } from "./client.ts";
import { lockTimeoutMs, type PostgresOptions } from "./options.ts";

/** The last words of a dump of the cluster. */
export const CLUSTER_END = "-- PostgreSQL database cluster dump complete";
/** What each statement of a dump of the cluster that makes something begins with. */
export const CLUSTER_MARKER = "\nCREATE ";

/** Makes one artifact. */
export async function makeCluster(
  client: Client,
  request: MakeRequest<PostgresOptions>,
  scope: "globals" | "all",
): Promise<Artifact> {
  const { context } = client;
  return await makeDump(request, {
    engine: "postgres",
    suffix: ".sql.zst",
    content: scope === "all" ? "cluster.sql" : "globals.sql",
    compression: "zstd",
    marker: CLUSTER_MARKER,
    produce: async (partial): Promise<Produced> => {
      const meter = new Meter(context);
      using sink = openSink(
        { task: "write", path: partial, compression: "zstd", marker: CLUSTER_MARKER },
        context,
      );
      let bytes = 0;
      await client.run({
        tool: PG_DUMPALL,
        args: [
          "--no-password",
          ...(scope === "globals" ? ["--globals-only"] : []),
          `--lock-wait-timeout=${lockTimeoutMs(request.options)}`,
        ],
        action: scope === "all" ? "dump the cluster" : "dump roles and tablespaces",
        onOutput: async (piece) => {
          await sink.write(piece);
          bytes += piece.length;
          meter.report({ phase: "read", done_bytes: bytes, done_items: 0 });
        },
      });
      meter.report({ phase: "read", done_bytes: bytes, done_items: 0 }, true);
      return { written: await sink.finish(), facts: { scope } };
    },
    inspect: (_, { tail }) => Promise.resolve(tail.includes(CLUSTER_END) ? [] : ["its end is missing"]),
  }, context);
}
