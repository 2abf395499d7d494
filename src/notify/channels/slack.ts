/** Slack's incoming web hooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
import type { Message } from "../message.ts";
import { type Channel, type ChannelOptions, needed, shorten } from "./channel.ts";
import { call, junk } from "./http.ts";

/** Blocks in one message, and characters in one block. */
const MAX_BLOCKS = 45;
const MAX_TEXT = 2900;

export function slackChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const url = needed(options, "url", settings.url);
  return {
    name,
    kind: "slack",
    async send(message, signal) {
      const answer = await call(options, { url, json: slackMessage(message), signal });
      if (answer.text.trim() !== "ok") throw junk(options, answer, [url]);
    },
  };
}

function slackMessage({ title, sections, instance }: Message): unknown {
  // Plain text blocks know no mentions and no links; the text for notifications does, unless these are escaped.
  const plain = (text: string, length = MAX_TEXT) => ({
    type: "plain_text",
    text: shorten(text, length),
    emoji: false,
  });
  const blocks = sections.slice(0, MAX_BLOCKS).map(({ heading, detail, rows }) => ({
    type: "section",
    text: plain(
      [heading, ...(detail === null ? [] : [detail]), ...rows.map(([label, text]) => `${label}: ${text}`)]
        .join("\n"),
    ),
  }));
  return {
    text: shorten(title, MAX_TEXT).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
    blocks: [
      { type: "header", text: plain(title, 150) },
      ...blocks,
      { type: "context", elements: [plain(instance, 150)] },
    ],
  };
}
