/** Looking at the host: its users, its unit, its systemd. Changes nothing. */
import { join } from "node:path";
import { type Account, findAccount } from "./account.ts";
import type { Present } from "./install.ts";
import { UNIT } from "./names.ts";

/** What is installed. */
export async function lookAt(unitDirectory: string, user: string): Promise<Present> {
  const [account, unit, booted] = await Promise.all([
    accountOf(user),
    readIfThere(join(unitDirectory, UNIT)),
    isThere("/run/systemd/system"),
  ]);
  const [enabled, active] = await Promise.all([
    systemctlSays("is-enabled", "enabled"),
    booted ? systemctlSays("is-active", "active") : false,
  ]);
  return { userExists: account !== undefined, unit, booted, enabled, active };
}

/** A user of this host, from its files. */
export async function accountOf(name: string): Promise<Account | undefined> {
  const [passwd, group] = await Promise.all([readIfThere("/etc/passwd"), readIfThere("/etc/group")]);
  return findAccount(name, passwd ?? "", group ?? "");
}

async function systemctlSays(question: string, answer: string): Promise<boolean> {
  return (await answerOf("systemctl", [question, UNIT])) === answer;
}

/** First line a command prints, or undefined when there is no such command. */
export async function answerOf(program: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command(program, { args, stdin: "null", stderr: "null" }).output();
    return new TextDecoder().decode(stdout).split("\n")[0]?.trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A file's text, or undefined when it is not there. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

/** True when something has that path. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
