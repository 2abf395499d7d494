/** Alert rules for Prometheus and a dashboard for Grafana, as text: examples to begin with, and what the metrics are called. */

interface RuleText {
  alert: string;
  expr: string;
  for: string;
  severity: "warning" | "critical";
  summary: string;
  description: string;
}

const RULES: readonly RuleText[] = [
  {
    alert: "HoldfastDown",
    expr: 'up{job="holdfast"} == 0',
    for: "5m",
    severity: "critical",
    summary: "Holdfast does not answer",
    description: "Nobody looks whether backups arrive.",
  },
  {
    alert: "HoldfastUnhealthy",
    expr: "holdfast_healthy == 0",
    for: "10m",
    severity: "warning",
    summary: "Holdfast calls itself unhealthy",
    description: "holdfast health says why.",
  },
  {
    alert: "HoldfastBackupBad",
    expr: 'sum by (instance, status) (holdfast_monitor_jobs{status!~"ok|unchanged|unknown"}) > 0',
    for: "1m",
    severity: "critical",
    summary: "{{ $value }} expected backups are {{ $labels.status }}",
    description: "holdfast monitor board names them.",
  },
  {
    alert: "HoldfastBackupOld",
    expr: "holdfast_monitor_last_good_age_seconds > 3 * 86400",
    for: "10m",
    severity: "critical",
    summary: "{{ $labels.name }} has no good backup of the last three days",
    description: "The last good one is {{ $value | humanizeDuration }} old.",
  },
  {
    alert: "HoldfastScanStale",
    expr: "holdfast_monitor_scan_age_seconds > 1800",
    for: "5m",
    severity: "critical",
    summary: "The deposit was not scanned for {{ $value | humanizeDuration }}",
    description: "What arrives is not looked at.",
  },
  {
    alert: "HoldfastMessagesStuck",
    expr: "holdfast_notify_outbox_oldest_seconds > 900",
    for: "5m",
    severity: "critical",
    summary: "Alerts do not leave",
    description: "The oldest message waits for {{ $value | humanizeDuration }}.",
  },
  {
    alert: "HoldfastMessagesGivenUp",
    expr: 'sum by (instance, channel) (holdfast_notify_outbox_messages{status="dead"}) > 0',
    for: "1m",
    severity: "warning",
    summary: "Messages to {{ $labels.channel }} were given up",
    description: "holdfast notify dead list shows them.",
  },
  {
    alert: "HoldfastJobFailing",
    expr: 'increase(holdfast_jobs_total{result="failed"}[15m]) > 3',
    for: "1m",
    severity: "warning",
    summary: "The periodic job {{ $labels.job }} fails",
    description: "The log of the daemon says why.",
  },
];

/** A rules file (prometheus.io, alerting rules). */
export function rulesText(): string {
  const rules = RULES.map((rule) =>
    [
      `      - alert: ${rule.alert}`,
      `        expr: ${JSON.stringify(rule.expr)}`,
      `        for: ${rule.for}`,
      "        labels:",
      `          severity: ${rule.severity}`,
      "        annotations:",
      `          summary: ${JSON.stringify(rule.summary)}`,
      `          description: ${JSON.stringify(rule.description)}`,
    ].join("\n")
  );
  return `groups:\n  - name: holdfast\n    rules:\n${rules.join("\n")}`;
}

interface Panel {
  title: string;
  type: "stat" | "timeseries" | "table";
  width: number;
  unit: string;
  queries: readonly [expr: string, legend: string][];
}

const PANELS: readonly Panel[] = [
  {
    title: "Expected backups",
    type: "stat",
    width: 12,
    unit: "short",
    queries: [["sum by (status) (holdfast_monitor_jobs)", "{{status}}"]],
  },
  {
    title: "Findings",
    type: "stat",
    width: 12,
    unit: "short",
    queries: [["sum by (code) (holdfast_monitor_findings)", "{{code}}"]],
  },
  {
    title: "Age of the last good backup",
    type: "timeseries",
    width: 12,
    unit: "s",
    queries: [["topk(20, holdfast_monitor_last_good_age_seconds)", "{{name}}"]],
  },
  {
    title: "Size of the last good backup",
    type: "timeseries",
    width: 12,
    unit: "bytes",
    queries: [["topk(20, holdfast_monitor_last_good_size_bytes)", "{{name}}"]],
  },
  {
    title: "What became of due instants",
    type: "timeseries",
    width: 12,
    unit: "short",
    queries: [["sum by (status) (increase(holdfast_monitor_entries_total[1h]))", "{{status}}"]],
  },
  {
    title: "Deliveries of alerts",
    type: "timeseries",
    width: 12,
    unit: "short",
    queries: [
      ["sum by (channel, result) (increase(holdfast_notify_deliveries_total[1h]))", "{{channel}} {{result}}"],
      ["sum by (channel) (holdfast_notify_outbox_messages)", "{{channel}} not sent"],
    ],
  },
  {
    title: "Own runs",
    type: "timeseries",
    width: 12,
    unit: "short",
    queries: [["sum by (result) (increase(holdfast_runs_total[1h]))", "{{result}}"]],
  },
  {
    title: "Time since the last scan",
    type: "timeseries",
    width: 12,
    unit: "s",
    queries: [["holdfast_monitor_scan_age_seconds", "{{instance}}"]],
  },
];

const ROW_HEIGHT = 8;
const GRID_WIDTH = 24;

/** A dashboard to import into Grafana; it asks for the Prometheus it reads. */
export function dashboardText(): string {
  let x = 0;
  let y = 0;
  const panels = PANELS.map(({ title, type, width, unit, queries }, index) => {
    if (x + width > GRID_WIDTH) [x, y] = [0, y + ROW_HEIGHT];
    const gridPos = { h: ROW_HEIGHT, w: width, x, y };
    x += width;
    return {
      id: index + 1,
      title,
      type,
      gridPos,
      datasource: { type: "prometheus", uid: "${DS_PROMETHEUS}" },
      fieldConfig: { defaults: { unit }, overrides: [] },
      targets: queries.map(([expr, legendFormat], at) => ({
        refId: String.fromCharCode(65 + at),
        expr,
        legendFormat,
      })),
    };
  });
  return JSON.stringify(
    {
      __inputs: [{ name: "DS_PROMETHEUS", label: "Prometheus", type: "datasource", pluginId: "prometheus" }],
      title: "Holdfast",
      uid: "holdfast",
      tags: ["backup"],
      timezone: "browser",
      schemaVersion: 39,
      refresh: "1m",
      time: { from: "now-7d", to: "now" },
      panels,
    },
    null,
    2,
  );
}

/** Names of the metrics that the rules and the dashboard read. */
export function usedMetrics(): string[] {
  const texts = [
    ...RULES.map((rule) => rule.expr),
    ...PANELS.flatMap(({ queries }) => queries.map(([expr]) => expr)),
  ];
  return [...new Set(texts.flatMap((text) => text.match(/\bholdfast_\w+/g) ?? []))].sort();
}
