/** What the configuration says of channels. */
import type { ChannelSettings, NotifyConfig } from "./config.ts";

/** The configured channels by name, `mail` of the section of its own first. */
export function channelsOf({ mail, channels }: NotifyConfig): Map<string, ChannelSettings> {
  const all = new Map(Object.entries(channels));
  if (mail.host === null) return all;
  const unused = {
    url: null,
    allow_private_addresses: false,
    secret: null,
    template: null,
    token: null,
    chat_id: null,
    topic: null,
    command: [],
  };
  return new Map([["mail", { ...unused, ...mail, kind: "mail" as const }], ...all]);
}
