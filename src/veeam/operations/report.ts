/** The morning report, the doctor, and trust in a server. */
import { z } from "zod";
import { operation } from "../../lib/operation.ts";
import { DoctorLine, examine } from "../doctor.ts";
import { headline, reportOn, reportRows, VeeamReport } from "../report.ts";
import { reportHtml } from "../report_html.ts";
import { reportText } from "../report_text.ts";
import { BASE, flags, live, one, reading, Since, some, type VeeamApp } from "./common.ts";
import { exitOn, requireHost } from "./jobs.ts";

export const report = operation({
  ...reading,
  name: "veeam.report",
  route: `GET ${BASE}/report`,
  summary:
    "Report on the last day: jobs by kind, failures, machines, repositories, licence, configuration backup",
  description: "Ends with 20 when something is bad. A server that cannot be read is part of the report.",
  input: z.strictObject({
    ...some,
    since: Since.default("24h").describe("How far back"),
    days: z.number().min(0.01).max(3650).default(2).describe("Days without a restore point that count"),
    mail: z.array(z.string().regex(/^[^\s@]+@[^\s@]+$/, "must be a mail address")).optional()
      .describe("Mail the report to this address too; needs SMTP_HOST"),
    ...live,
  }),
  output: VeeamReport,
  cli: {
    flags: { ...flags, mail: { flag: "--mail <address>..." } },
    text: reportText,
    sheet: reportRows,
    page: reportHtml,
    exit: ({ verdict }) => exitOn(verdict === "bad"),
    examples: [
      "holdfast veeam report",
      "holdfast veeam report --output html > r.html",
      "holdfast veeam report --mail ops@example.org",
    ],
  },
  async run(app: VeeamApp, { mail = [], ...input }, caller) {
    requireHost(mail, caller.on_host);
    const report = await reportOn(app.veeam, input, caller.signal);
    if (mail.length > 0) {
      const letter = { subject: headline(report), text: reportText(report), html: reportHtml(report) };
      await app.veeam.mailer({ to: mail, ...letter }, caller.signal);
    }
    return report;
  },
});

export const doctor = operation({
  ...reading,
  name: "veeam.doctor",
  route: `GET ${BASE}/doctor`,
  summary: "Check address, certificate, revision, login, rights, clock and licence of Veeam servers",
  description: "Ends with 20 when something is bad.",
  input: z.strictObject(some),
  output: z.array(DoctorLine),
  cli: {
    flags,
    columns: [
      { key: "server" },
      { key: "check" },
      { key: "status" },
      { key: "detail", wrap: true },
      { key: "hint", wrap: true },
    ],
    exit: (lines) => exitOn(lines.some(({ status }) => status === "bad")),
    examples: ["holdfast veeam doctor"],
  },
  run: (app: VeeamApp, input, caller) => examine(app.veeam, input, caller.signal),
});

export const trust = operation({
  role: "admin",
  standalone: true,
  name: "veeam.trust",
  route: `POST ${BASE}/trust`,
  summary: "Pin the certificate a Veeam server shows now, or find out its revision anew",
  description: "The fingerprint has to be given, so that nobody pins what somebody in between shows.",
  input: z.strictObject({
    fingerprint: z.string().regex(/^([0-9a-fA-F]{2}:?){32}$/, "must be a SHA-256 fingerprint in hex")
      .optional()
      .describe("SHA-256 fingerprint, as the server's console or veeam doctor shows it"),
    forget_revision: z.boolean().default(false).describe(
      "Find out at the next call which revision it speaks",
    ),
    ...one,
  }),
  output: z.object({
    server: z.string(),
    fingerprint: z.string().nullable(),
    revision: z.string().nullable(),
  }),
  cli: {
    args: ["fingerprint?"],
    flags,
    text: ({ server, fingerprint, revision }) =>
      `Veeam server ${server}: certificate ${fingerprint ?? "not pinned"}, revision ${
        revision ?? "to be found out"
      }`,
    examples: ["holdfast veeam trust --forget-revision"],
  },
  run: (app: VeeamApp, { server, ...input }, caller) =>
    app.veeam.clients.one(server).trust(input, caller.signal),
});
