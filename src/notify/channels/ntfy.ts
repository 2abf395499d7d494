/** ntfy: https://docs.ntfy.sh/publish/#publish-as-json */
import { type Channel, type ChannelOptions, needed, shorten } from "./channel.ts";
import { call, junk, recordOf } from "./http.ts";

/** Longer messages would become attachments. */
const MAX_TEXT = 1300;
const PRIORITIES = { info: 3, warning: 4, critical: 5 } as const;
const TAGS = { info: "information_source", warning: "warning", critical: "rotating_light" } as const;

export function ntfyChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const url = needed(options, "url", settings.url);
  const topic = needed(options, "topic", settings.topic);
  return {
    name,
    kind: "ntfy",
    async send({ title, text, severity, kind }, signal) {
      const recovered = kind === "recovered";
      const answer = await call(options, {
        url,
        json: {
          topic,
          title: shorten(title, 200),
          message: shorten(text, MAX_TEXT),
          priority: recovered ? PRIORITIES.info : PRIORITIES[severity],
          tags: [recovered ? "white_check_mark" : TAGS[severity]],
        },
        headers: settings.token === null ? {} : { authorization: `Bearer ${settings.token}` },
        secrets: [settings.token],
        signal,
      });
      if (recordOf(answer.text)?.id === undefined) throw junk(options, answer, [settings.token]);
    },
  };
}
