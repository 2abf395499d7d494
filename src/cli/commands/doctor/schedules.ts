/** Can every enabled schedule read what it backs up, and write where to? */
import { at } from "../../cells.ts";
import type { HostPlaces } from "./host.ts";
import { bad, type Line, ok } from "./line.ts";
import { cannotRead, cannotWrite, type Obstacle, type Runner } from "./reach.ts";

/** A schedule's paths. */
export interface SchedulePaths {
  name: string;
  /** Why it cannot run as it stands, by the daemon's own account. */
  problem: string | null;
  sources: string[];
  destination: string | null;
}

/** The enabled schedules of the API's answers; what a schedule leaves open comes from its server. */
export function pathsOf(schedules: unknown, servers: unknown): SchedulePaths[] {
  const known = new Map(rowsOf(servers).map((server) => [at(server, "id"), server]));
  return rowsOf(schedules).filter((row) => at(row, "enabled") === true).map((row) => {
    const server = known.get(at(row, "server_id"));
    const options = at(row, "engine_options") ?? at(server, "default_engine_options");
    const sources = at(options, "sources");
    const destination = at(options, "destination");
    const problem = at(row, "problem");
    return {
      name: `${at(server, "name") ?? at(row, "server_id")}/${at(row, "name")}`,
      problem: typeof problem === "string" ? problem : null,
      sources: Array.isArray(sources) ? sources.map(String) : [],
      destination: typeof destination === "string" ? destination : null,
    };
  });
}

function rowsOf(answer: unknown): unknown[] {
  return Array.isArray(answer) ? answer : [];
}

/** A line for everything that keeps a schedule from its paths. */
export async function examineSchedules(
  schedules: readonly SchedulePaths[],
  runner: Runner,
  host: HostPlaces,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { name, problem, sources, destination } of schedules) {
    if (problem !== null) {
      lines.push(bad("schedule", `"${name}": ${problem}`, `holdfast schedules update ${name} --help`));
    }
    for (const path of sources) {
      lines.push(...obstacleLines(`"${name}" cannot read ${path}`, await cannotRead(path, runner)));
    }
    if (destination !== null) {
      const obstacle = await cannotWrite(destination, runner, host);
      lines.push(...obstacleLines(`"${name}" cannot write ${destination}`, obstacle));
    }
  }
  if (lines.length > 0) return lines;
  const who = runner.sandbox === undefined
    ? runner.account.name
    : `the service (user ${runner.account.name})`;
  return [
    ok(
      "schedules",
      schedules.length === 0 ? "none enabled" : `${schedules.length} enabled, all paths open to ${who}`,
    ),
  ];
}

function obstacleLines(what: string, obstacle: Obstacle | undefined): Line[] {
  return obstacle === undefined ? [] : [bad("schedule", `${what}: ${obstacle.reason}`, obstacle.fix)];
}
