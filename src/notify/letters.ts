/** Mails that are no alerts: a report somebody asked for, sent at once and past the outbox. */
import type { Clock } from "../lib/clock.ts";
import { HoldfastError } from "../lib/errors.ts";
import type { Letter } from "./channels/mail.ts";
import type { NotifyConfig } from "./config.ts";
import { channelsOf } from "./settings.ts";

/** Sends a letter. Errors: `invalid` where no mail channel is configured, `upstream` when it is not taken. */
export type LetterSender = (letter: Letter, signal: AbortSignal) => Promise<void>;

/** Sends letters through the channel `mail`, or the first one of that kind. */
export function letterSender(settings: NotifyConfig, clock: Clock): LetterSender {
  const found = [...channelsOf(settings)].find(([, { kind }]) => kind === "mail");
  return async (letter, signal) => {
    if (found === undefined) {
      throw new HoldfastError(
        "invalid",
        `Cannot mail to ${letter.to.join(", ")}: no mail server is configured`,
        {
          hint: "set SMTP_HOST, or notify.mail.host in the configuration",
        },
      );
    }
    const [name, channel] = found;
    const { sendLetter } = await import("./channels/mail.ts");
    await sendLetter({ name, settings: channel, clock, allowCommands: false }, letter, signal);
  };
}
