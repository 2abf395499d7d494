/** Telegram's bots: https://core.telegram.org/bots/api#sendmessage */
import { type Channel, type ChannelOptions, needed, shorten } from "./channel.ts";
import { call, junk, recordOf } from "./http.ts";

const MAX_TEXT = 4000;

export function telegramChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const token = needed(options, "token", settings.token);
  const chat_id = needed(options, "chat_id", settings.chat_id);
  const base = (settings.url ?? "https://api.telegram.org").replace(/\/+$/, "");
  return {
    name,
    kind: "telegram",
    async send({ title, text }, signal) {
      const answer = await call(options, {
        url: `${base}/bot${token}/sendMessage`,
        // Without parse_mode the text is shown as it is.
        json: {
          chat_id,
          text: shorten(`${title}\n\n${text}`, MAX_TEXT),
          link_preview_options: { is_disabled: true },
        },
        secrets: [token],
        signal,
      });
      if (recordOf(answer.text)?.ok !== true) throw junk(options, answer, [token]);
    },
  };
}
