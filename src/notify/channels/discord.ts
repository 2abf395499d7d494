/** Discord's web hooks: https://discord.com/developers/docs/resources/webhook#execute-webhook */
import type { Message } from "../message.ts";
import { type Channel, type ChannelOptions, needed, shorten } from "./channel.ts";
import { call, junk, recordOf } from "./http.ts";

const COLOURS = { info: 0x3498db, warning: 0xf1c40f, critical: 0xe74c3c } as const;

export function discordChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const given = needed(options, "url", settings.url);
  // With it Discord answers only when the message is there, and says which it is.
  const url = new URL(given);
  url.searchParams.set("wait", "true");
  return {
    name,
    kind: "discord",
    async send(message, signal) {
      const answer = await call(options, { url: url.href, json: discordMessage(message), signal });
      if (recordOf(answer.text)?.id === undefined) throw junk(options, answer, [given]);
    },
  };
}

function discordMessage({ title, text, severity, at, instance }: Message): unknown {
  return {
    embeds: [{
      title: shorten(unmarked(title), 256),
      description: shorten(unmarked(text), 4000),
      color: COLOURS[severity],
      timestamp: at,
      footer: { text: shorten(instance, 200) },
    }],
    allowed_mentions: { parse: [] },
  };
}

/** A text in which nothing is Markdown. */
function unmarked(text: string): string {
  return text.replaceAll(/[\\*_~`|>#[\]()<@]/g, "\\$&");
}
