/**
 * Metrics for Prometheus. Slices do not import this: `app.ts` subscribes to what they offer and feeds it in.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** Reads a number when the metrics are asked for. */
export type GaugeReader = () => number | Promise<number>;

/** The counters of one route, method and status. */
interface RequestSeries {
  requests: { inc(): void };
  durations: { observe(seconds: number): void };
}

/** Gauges of the library that are called like counters, which `promtool check metrics` refuses; others say the same. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** The registry and the metrics every part of the program shares. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Counter<"route" | "method" | "status">;
  readonly #durations: Histogram<"route" | "method">;
  readonly #series = new Map<string, RequestSeries>();
  readonly #runs: Counter<"result">;
  readonly #startDelay: Histogram;
  readonly #jobs: Counter<"job" | "result">;
  readonly #jobSeconds: Gauge<"job">;

  constructor(version: string) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
    this.#requests = new Counter({
      name: "holdfast_http_requests_total",
      help: "HTTP requests answered, by route, method and status.",
      labelNames: ["route", "method", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: "holdfast_http_request_duration_seconds",
      help: "Time from request to answer, by route and method.",
      labelNames: ["route", "method"],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      registers,
    });
    this.#runs = new Counter({
      name: "holdfast_runs_total",
      help: "Backup runs that ended, by result.",
      labelNames: ["result"],
      registers,
    });
    this.#startDelay = new Histogram({
      name: "holdfast_run_start_delay_seconds",
      help: "Time from the due instant to the start of the run.",
      buckets: [1, 5, 15, 60, 300, 900, 3600, 21_600],
      registers,
    });
    this.#jobs = new Counter({
      name: "holdfast_jobs_total",
      help: "Runs of the daemon's own periodic jobs, by result.",
      labelNames: ["job", "result"],
      registers,
    });
    this.#jobSeconds = new Gauge({
      name: "holdfast_job_last_duration_seconds",
      help: "How long the last run of a periodic job took.",
      labelNames: ["job"],
      registers,
    });
    new Gauge({
      name: "holdfast_build_info",
      help: "Always 1; the version is a label.",
      labelNames: ["version"],
      registers,
    }).set({ version }, 1);
  }

  /** Counts an answered request; `route` is the pattern, never the path, so that ids make no series. */
  request(route: string, method: string, status: number, seconds: number): void {
    const key = `${method} ${status} ${route}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      // Looking the labels up is most of the cost; there are only so many routes, methods and statuses.
      const requests = this.#requests.labels({ route, method, status: String(status) });
      series = { requests, durations: this.#durations.labels({ route, method }) };
      this.#series.set(key, series);
    }
    series.requests.inc();
    series.durations.observe(seconds);
  }

  /** Counts a run that ended. */
  runFinished(result: string): void {
    this.#runs.inc({ result });
  }

  /** Records how late a run started, in seconds. */
  runStarted(delaySeconds: number): void {
    this.#startDelay.observe(Math.max(0, delaySeconds));
  }

  /** Counts a run of a periodic job. */
  job(name: string, seconds: number, ok: boolean): void {
    this.#jobs.inc({ job: name, result: ok ? "ok" : "failed" });
    this.#jobSeconds.set({ job: name }, seconds);
  }

  /** Adds a counter with labels; returns what counts one up. */
  counter<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): (labels: Record<Label, string>) => void {
    const counter = new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
    return (labels) => counter.inc(labels);
  }

  /** Adds numbers with labels that are read when asked for; a series that is not read any more is gone. */
  gauges<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: () => Promise<readonly { labels: Record<Label, string>; value: number }[]>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      async collect() {
        const series = await read();
        this.reset();
        for (const { labels, value } of series) this.set(labels, value);
      },
    });
  }

  /** Adds a number that is read when asked for. */
  gauge(name: string, help: string, read: GaugeReader): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        try {
          this.set(await read());
        } catch {
          // One number that cannot be read must not take all the others away.
          this.reset();
        }
      },
    });
  }

  /** The exposition text and its content type. */
  async text(): Promise<{ body: string; type: string }> {
    return { body: await this.registry.metrics(), type: this.registry.contentType };
  }
}
