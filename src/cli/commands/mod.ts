/**
 * Commands that are no operation: they start the daemon, or work on this host alone.
 *
 * Each is loaded when its word was typed, or when all of them are asked for; see `command.ts` for what one is.
 */
import type { LocalCommand } from "./command.ts";

/** A command by its first word, and how to get it. */
export interface CommandEntry {
  word: string;
  load(): Promise<LocalCommand>;
}

/** All of them, in the order of `--help`. */
export const COMMANDS: readonly CommandEntry[] = [
  { word: "serve", load: async () => (await import("./serve.ts")).serveCommand },
  { word: "demo", load: async () => (await import("./demo.ts")).demoCommand },
  { word: "shell", load: async () => (await import("./shell.ts")).shellCommand },
  { word: "veeam", load: async () => (await import("./shell.ts")).veeamShellCommand },
  { word: "config", load: async () => (await import("./config.ts")).configCommand },
  { word: "doctor", load: async () => (await import("./doctor.ts")).doctorCommand },
  { word: "service", load: async () => (await import("./service.ts")).serviceCommand },
  { word: "db", load: async () => (await import("./db.ts")).dbCommand },
  { word: "backups", load: async () => (await import("./recover.ts")).recoverCommand },
  { word: "completion", load: async () => (await import("./completion.ts")).completionCommand },
];

/** The commands of a word; all of them for undefined. */
export async function commandsFor(word: string | undefined): Promise<LocalCommand[]> {
  const wanted = COMMANDS.filter((entry) => word === undefined || entry.word === word);
  return await Promise.all(wanted.map((entry) => entry.load()));
}
