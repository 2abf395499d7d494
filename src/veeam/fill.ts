/** How full repositories are, and when they will be. Pure. */
import type { VeeamRepository } from "./model.ts";
import { filled, type ScaleOut } from "./records.ts";

/** How much was free at an instant. */
export interface FillSample {
  /** Milliseconds since the epoch. */
  at: number;
  used_bytes: number;
}

const DAY_MS = 86_400_000;

/** Less history than this says nothing about a trend. */
const LEAST_MS = 2 * DAY_MS;

/**
 * Days until nothing is free, by the straight line through the samples (least squares); null while there is too little history,
 * when it is not growing, or when it would take more than ten years.
 */
export function daysToFull(samples: readonly FillSample[], free: number | null): number | null {
  if (free === null || samples.length < 3) return null;
  const start = Math.min(...samples.map(({ at }) => at));
  const end = Math.max(...samples.map(({ at }) => at));
  if (end - start < LEAST_MS) return null;
  const points = samples.map(({ at, used_bytes }) => ({ x: (at - start) / DAY_MS, y: used_bytes }));
  const mean = (pick: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const above = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0);
  const below = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  const perDay = above / below;
  if (!(perDay > 0)) return null;
  const days = free / perDay;
  return days > 3650 ? null : Math.round(days * 10) / 10;
}

/** Repositories with one more row for each scale-out repository: the sum of its performance extents. */
export function withScaleOuts(
  repositories: readonly VeeamRepository[],
  scaleOuts: readonly ScaleOut[],
): VeeamRepository[] {
  const nameOf = new Map<string, string>();
  for (const { name, performance, others } of scaleOuts) {
    for (const extent of [...performance, ...others]) nameOf.set(extent, name);
  }
  const byId = new Map(scaleOuts.map(({ id, name }) => [id, name]));
  const rows = repositories.map((one) => {
    const name = nameOf.get(one.id) ?? (one.scale_out === null ? undefined : byId.get(one.scale_out));
    return { ...one, scale_out: name ?? one.scale_out };
  });
  const sums = scaleOuts.flatMap((scaleOut): VeeamRepository[] => {
    const extents = rows.filter(({ id }) => scaleOut.performance.includes(id));
    const [first] = extents;
    return first === undefined ? [] : [sumOf(scaleOut, extents, first)];
  });
  // A later revision lists the scale-out repository itself, without numbers.
  const summed = new Set(sums.map(({ id }) => id));
  return [...rows.filter(({ id }) => !summed.has(id)), ...sums];
}

function sumOf(
  { id, name, description }: ScaleOut,
  extents: readonly VeeamRepository[],
  { server, read_at }: VeeamRepository,
): VeeamRepository {
  const total = (pick: (one: VeeamRepository) => number | null) =>
    extents.reduce((sum, one) => sum + (pick(one) ?? 0), 0);
  // One extent without numbers (object storage) leaves nothing to divide by.
  const known = extents.every(({ capacity_bytes }) => capacity_bytes !== null);
  const online = extents.map(({ is_online }) => is_online);
  return {
    id,
    name,
    type: "ScaleOut",
    description,
    host: null,
    path: null,
    ...filled(
      known ? total((one) => one.capacity_bytes) : null,
      known ? total((one) => one.free_bytes) : null,
    ),
    backup_bytes: total((one) => one.backup_bytes),
    days_to_full: null,
    is_online: online.includes(null) ? null : online.every((one) => one === true),
    is_out_of_date: extents.some((one) => one.is_out_of_date === true),
    scale_out: null,
    extent_type: null,
    server,
    read_at,
  };
}
