/** A real storage with the S3 API for tests: OpenStack Swift with its s3api, one device, no replicas. */
import { join } from "node:path";
import { programIn, runAs, type RunningServer, serverDirectory, startServer } from "./daemon_user.ts";
import { freePort } from "./ports.ts";

export interface SwiftServer {
  /** `http://127.0.0.1:PORT`. */
  endpoint: string;
  access_key_id: string;
  secret_access_key: string;
  stop(): Promise<void>;
}

const KINDS = ["account", "container", "object"] as const;
const SECRET = "swift-p@ss/+word";

/** Starts the servers; undefined, and a visible line, where Swift is not installed. */
export async function startSwift(what: string): Promise<SwiftServer | undefined> {
  const programs = [...KINDS, "proxy"].map((kind) => programIn(`swift-${kind}-server`));
  const ring = programIn("swift-ring-builder");
  if (ring === undefined || programs.includes(undefined)) {
    console.log(
      `skipped: ${what}: Swift is not installed: apt-get install swift-proxy swift-account swift-container swift-object`,
    );
    return undefined;
  }
  const account = undefined;
  const dir = await serverDirectory(account);
  await Deno.mkdir(join(dir, "dev/sda"), { recursive: true });
  const write = (name: string, lines: string[]) =>
    Deno.writeTextFile(join(dir, name), lines.join("\n") + "\n");
  await write("swift.conf", ["[swift-hash]", "swift_hash_path_prefix = a", "swift_hash_path_suffix = b"]);
  const user = new TextDecoder().decode((await new Deno.Command("id", { args: ["-un"] }).output()).stdout)
    .trim();
  const common = (port: number) => [
    "[DEFAULT]",
    "bind_ip = 127.0.0.1",
    `bind_port = ${port}`,
    `swift_dir = ${dir}`,
    `user = ${user}`,
    "workers = 0",
  ];
  const starts: [program: string, args: string[], port: number][] = [];
  for (const [i, kind] of KINDS.entries()) {
    const port = freePort();
    for (
      const args of [["create", "2", "1", "0"], ["add", `r1z1-127.0.0.1:${port}/sda`, "1"], ["rebalance"]]
    ) {
      await runAs(account, ring, [join(dir, `${kind}.builder`), ...args], { cwd: dir });
    }
    await write(`${kind}.conf`, [
      ...common(port),
      `devices = ${dir}/dev`,
      "mount_check = false",
      "disable_fallocate = true",
      "[pipeline:main]",
      `pipeline = ${kind}-server`,
      `[app:${kind}-server]`,
      `use = egg:swift#${kind}`,
    ]);
    starts.push([programs[i]!, [join(dir, `${kind}.conf`)], port]);
  }
  const port = freePort();
  await write("proxy.conf", [
    ...common(port),
    "[pipeline:main]",
    "pipeline = catch_errors cache s3api tempauth slo proxy-server",
    "[app:proxy-server]",
    "use = egg:swift#proxy",
    "account_autocreate = true",
    "[filter:catch_errors]",
    "use = egg:swift#catch_errors",
    // There is none, and the filter has to be there.
    "[filter:cache]",
    "use = egg:swift#memcache",
    "memcache_servers = 127.0.0.1:1",
    "[filter:s3api]",
    "use = egg:swift#s3api",
    "location = us-east-1",
    "[filter:tempauth]",
    "use = egg:swift#tempauth",
    `user_test_tester = ${SECRET} .admin`,
    "[filter:slo]",
    "use = egg:swift#slo",
  ]);
  starts.push([programs[3]!, [join(dir, "proxy.conf")], port]);
  const running: RunningServer[] = [];
  const stop = async () => {
    // The last one removes the directory, which is no error when it is gone.
    await Promise.all(running.map((server) =>
      server.stop("SIGTERM").catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      })
    ));
  };
  try {
    running.push(
      ...await Promise.all(
        starts.map(([program, args, port]) => startServer(account, program, args, dir, () => answers(port))),
      ),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint: `http://127.0.0.1:${port}`,
    access_key_id: "test:tester",
    secret_access_key: SECRET,
    stop,
  };
}

async function answers(port: number): Promise<boolean> {
  try {
    await (await fetch(`http://127.0.0.1:${port}/info`)).body?.cancel();
    return true;
  } catch {
    return false;
  }
}
