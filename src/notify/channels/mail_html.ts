/** The HTML of a mail: tables and inline styles, which is what mail programs show alike. */
import type { Message, Section } from "../message.ts";
import { FRAME } from "../words.ts";

const COLOURS = { info: "#2563eb", warning: "#b45309", critical: "#b91c1c" } as const;
const GOOD = "#15803d";

export function mailHtml({ title, sections, severity, kind, language, instance }: Message): string {
  const colour = kind === "recovered" || kind === "test" ? GOOD : COLOURS[severity];
  return [
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>${
      escape(title)
    }</title></head>`,
    '<body style="margin:0;padding:16px;font-family:Helvetica,Arial,sans-serif;font-size:14px;color:#111827">',
    `<h1 style="margin:0 0 12px;padding:8px 12px;font-size:18px;color:#ffffff;background:${colour}">${
      escape(title)
    }</h1>`,
    ...sections.map((section) => sectionHtml(section, sections.length > 1)),
    `<p style="margin:16px 0 0;color:#6b7280">${FRAME.instance[language]} ${escape(instance)}</p>`,
    "</body></html>",
  ].join("\n");
}

function sectionHtml({ heading, detail, rows }: Section, headed: boolean): string {
  return [
    headed ? `<h2 style="margin:16px 0 4px;font-size:15px">${escape(heading)}</h2>` : "",
    detail === null ? "" : `<p style="margin:4px 0">${escape(detail)}</p>`,
    rows.length === 0 ? "" : `<table cellpadding="0" cellspacing="0" style="border-collapse:collapse">`,
    ...rows.map(([label, text]) =>
      `<tr><td style="padding:2px 12px 2px 0;color:#6b7280;vertical-align:top">${escape(label)}</td>` +
      `<td style="padding:2px 0">${escape(text)}</td></tr>`
    ),
    rows.length === 0 ? "" : "</table>",
  ].filter((line) => line !== "").join("\n");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
