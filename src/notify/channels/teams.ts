/**
 * Microsoft Teams: a workflow that begins with "When a Teams webhook request is received", which posts adaptive cards:
 * https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498
 */
import type { Message, Section } from "../message.ts";
import { type Channel, type ChannelOptions, needed, shorten } from "./channel.ts";
import { call, junk, recordOf } from "./http.ts";

/** A card may have 28 KB. */
const MAX_SECTIONS = 15;
const MAX_ROWS = 20;
const MAX_TEXT = 300;

const COLOURS = { info: "Accent", warning: "Warning", critical: "Attention" } as const;

export function teamsChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const url = needed(options, "url", settings.url);
  return {
    name,
    kind: "teams",
    async send(message, signal) {
      const answer = await call(options, { url, json: teamsMessage(message), signal });
      // Workflows answer nothing or a record; earlier connectors "1", and errors with status 200.
      const said = answer.text.trim();
      if (said !== "" && said !== "1" && recordOf(said) === undefined) throw junk(options, answer, [url]);
    },
  };
}

function teamsMessage(message: Message): unknown {
  const { title, severity, sections, instance } = message;
  return {
    type: "message",
    attachments: [{
      contentType: "application/vnd.microsoft.card.adaptive",
      contentUrl: null,
      content: {
        $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
        type: "AdaptiveCard",
        version: "1.4",
        msteams: { width: "Full" },
        body: [
          line([run(title, { weight: "Bolder", size: "Large", color: COLOURS[severity] })]),
          ...sections.slice(0, MAX_SECTIONS).flatMap((section) =>
            sectionBlocks(section, sections.length > 1)
          ),
          line([run(instance, { isSubtle: true, size: "Small" })]),
        ],
      },
    }],
  };
}

function sectionBlocks({ heading, detail, rows }: Section, headed: boolean): unknown[] {
  return [
    ...(headed ? [line([run(heading, { weight: "Bolder" })])] : []),
    ...(detail === null ? [] : [line([run(detail)])]),
    ...rows.slice(0, MAX_ROWS).map(([label, text]) =>
      line([run(`${label}: `, { isSubtle: true }), run(text)])
    ),
  ];
}

/** Runs of text are shown as they are; plain text blocks would be read as Markdown. */
function line(inlines: unknown[]): unknown {
  return { type: "RichTextBlock", spacing: "Small", inlines };
}

function run(text: string, style: Record<string, unknown> = {}): unknown {
  return { type: "TextRun", text: shorten(text, MAX_TEXT), ...style };
}
