/** Mails to people: the report, and what a watcher finds. */

/** A mail to people. */
export interface Letter {
  to: readonly string[];
  subject: string;
  text: string;
  html?: string;
}

/** Sends a mail. Errors: `invalid` where no mail server is configured, `upstream` when it does not take it. */
export type Mailer = (letter: Letter, signal: AbortSignal) => Promise<void>;
