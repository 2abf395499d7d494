/**
 * A command of this host: program and arguments, no shell. It gets the message as JSON on its standard input and its
 * main words as variables; 0 is delivered, anything else is tried again.
 */
import { HoldfastError, messageOf } from "../../lib/errors.ts";
import type { Message } from "../message.ts";
import { type Channel, type ChannelOptions, DeliveryError, shorten } from "./channel.ts";
import { messageRecord } from "./webhook.ts";

/** What is handed on of the daemon's own variables, which may hold secrets. */
const KEPT = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"];

/** How long its last words are waited for once it has ended. */
const LAST_WORDS_MS = 500;

export function commandChannel(options: ChannelOptions): Channel {
  const { name, settings, allowCommands, clock } = options;
  const [program = "", ...args] = settings.command;
  return {
    name,
    kind: "command",
    async send(message, signal) {
      if (!allowCommands) {
        throw new HoldfastError("forbidden", `Cannot run channel "${name}": commands are not allowed`, {
          hint: "set backups.allow_commands to true",
        });
      }
      const child = spawn(name, program, args, message);
      const kill = () => tryKill(child);
      signal.addEventListener("abort", kill, { once: true });
      try {
        await feed(child, message);
        const said = listenTo(child.stderr);
        const { code } = await child.status;
        // What it started itself may keep standard error open for ever.
        await Promise.race([said.ended, clock.sleep(LAST_WORDS_MS)]);
        await said.stop();
        signal.throwIfAborted();
        if (code === 0) return;
        const reason = said.text() === "" ? "" : `: ${said.text()}`;
        throw new DeliveryError(
          `Cannot deliver through channel "${name}": "${program}" ended with ${code}${reason}`,
          {
            refused: false,
          },
        );
      } finally {
        signal.removeEventListener("abort", kill);
      }
    },
  };
}

function spawn(name: string, program: string, args: string[], message: Message): Deno.ChildProcess {
  const kept = KEPT.flatMap((variable) => {
    const value = Deno.env.get(variable);
    return value === undefined ? [] : [[variable, value]];
  });
  try {
    return new Deno.Command(program, {
      args,
      clearEnv: true,
      env: {
        ...Object.fromEntries(kept),
        HOLDFAST_KEY: message.key.replaceAll("\0", ""),
        HOLDFAST_KIND: message.kind,
        HOLDFAST_SEVERITY: message.severity,
        HOLDFAST_TITLE: message.title,
      },
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new DeliveryError(`Cannot deliver through channel "${name}": "${program}": ${messageOf(error)}`, {
      refused: true,
    });
  }
}

async function feed(child: Deno.ChildProcess, message: Message): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(`${JSON.stringify(messageRecord(message))}\n`));
    await writer.close();
  } catch {
    // One that does not read its input may still have done its work.
  }
}

interface Listening {
  ended: Promise<void>;
  /** The first line. */
  text(): string;
  stop(): Promise<void>;
}

/** Keeps the beginning of what it says, for the error; the rest is read so that it can go on, and thrown away. */
function listenTo(stream: ReadableStream<Uint8Array>): Listening {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const read = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (text.length < 300) text += part.value;
    }
  };
  return {
    ended: read().catch(() => {}),
    text: () => shorten(text.trim().split("\n")[0] ?? "", 200),
    stop: () => reader.cancel().catch(() => {}),
  };
}

function tryKill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}
