/** Gotify: https://gotify.net/api-docs#/message/createMessage */
import { type Channel, type ChannelOptions, needed, shorten } from "./channel.ts";
import { call, junk, recordOf } from "./http.ts";

const PRIORITIES = { info: 2, warning: 5, critical: 8 } as const;

export function gotifyChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const url = `${needed(options, "url", settings.url).replace(/\/+$/, "")}/message`;
  const token = needed(options, "token", settings.token);
  return {
    name,
    kind: "gotify",
    async send({ title, text, severity, kind }, signal) {
      const answer = await call(options, {
        url,
        json: {
          title,
          message: shorten(text, 20_000),
          priority: kind === "recovered" ? PRIORITIES.info : PRIORITIES[severity],
        },
        headers: { "x-gotify-key": token },
        secrets: [token],
        signal,
      });
      if (recordOf(answer.text)?.id === undefined) throw junk(options, answer, [token]);
    },
  };
}
