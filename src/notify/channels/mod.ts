/** Every kind of channel, loaded when one of it is opened. */
import type { ChannelKind } from "../config.ts";
import type { Channel, ChannelOptions } from "./channel.ts";

const KINDS: Readonly<Record<ChannelKind, () => Promise<(options: ChannelOptions) => Channel>>> = {
  mail: async () => (await import("./mail.ts")).mailChannel,
  webhook: async () => (await import("./webhook.ts")).webhookChannel,
  slack: async () => (await import("./slack.ts")).slackChannel,
  teams: async () => (await import("./teams.ts")).teamsChannel,
  discord: async () => (await import("./discord.ts")).discordChannel,
  telegram: async () => (await import("./telegram.ts")).telegramChannel,
  ntfy: async () => (await import("./ntfy.ts")).ntfyChannel,
  gotify: async () => (await import("./gotify.ts")).gotifyChannel,
  pagerduty: async () => (await import("./pagerduty.ts")).pagerdutyChannel,
  syslog: async () => (await import("./syslog.ts")).syslogChannel,
  command: async () => (await import("./command.ts")).commandChannel,
};

/** Opens a configured channel. Errors: `invalid` for settings that cannot work. */
export async function openChannel(options: ChannelOptions): Promise<Channel> {
  const make = await KINDS[options.settings.kind]();
  return make(options);
}

export { type Channel, type ChannelOptions, DeliveryError, TRAITS } from "./channel.ts";
