/** A real SMTP server on loopback that keeps what it is sent, and can be told to behave badly. */
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** How the server treats what it is sent. */
export type MailBehaviour =
  | "ok"
  /** 550 to every recipient. */
  | "refuse"
  /** 451 to every recipient. */
  | "defer"
  /** 554 after the message. */
  | "refuse message"
  /** 452 after the message. */
  | "defer message"
  /** Accepts connections and never says a word. */
  | "hang"
  /** Takes the message and never says so. */
  | "hang message";

/** A mail that was taken. */
export interface ReceivedMail {
  from: string;
  to: string[];
  /** Headers by lower-case name, decoded. */
  headers: ReadonlyMap<string, string>;
  subject: string;
  /** `X-Holdfast-Key`. */
  key: string;
  /** The plain text part. */
  text: string;
  html: string;
  raw: string;
  /** Whether it came over TLS, and as whom. */
  secure: boolean;
  user: string | null;
}

/** What a server is started with. */
export interface MailServerOptions extends Pick<SMTPServerOptions, "secure" | "key" | "cert"> {
  /** Refuses who does not log in as this. */
  login?: { username: string; password: string };
  port?: number;
  /** Recipients that get a 550. */
  unknown?: readonly string[];
  /** Told of each mail before it is acknowledged. */
  onMail?: (mail: ReceivedMail) => void;
}

/** A running server. */
export class MailServer implements AsyncDisposable {
  readonly mails: ReceivedMail[] = [];
  behaviour: MailBehaviour = "ok";
  /** Connections so far. */
  connections = 0;
  /** Told of each connection, before the greeting. */
  onConnection: () => void = () => {};
  /** Told of each mail, once the server has said that it took it. */
  onAcknowledged: () => void = () => {};
  readonly #server: SMTPServer;

  private constructor(options: MailServerOptions) {
    const { login, secure = false, key, cert } = options;
    this.#server = new SMTPServer({
      secure,
      ...(key === undefined ? {} : { key, cert }),
      disabledCommands: [
        ...(key === undefined ? ["STARTTLS"] : []),
        ...(login === undefined ? ["AUTH"] : []),
      ],
      authOptional: login === undefined,
      // A test decides itself whether passwords may go in the clear.
      allowInsecureAuth: true,
      disableReverseLookup: true,
      closeTimeout: 50,
      logger: false,
      onConnect: (_, done) => {
        this.connections++;
        this.onConnection();
        if (this.behaviour !== "hang") done();
      },
      onAuth: ({ username, password }, _, done) => {
        const good = username === login?.username && password === login?.password;
        if (good) done(null, { user: username });
        else done(failure(535, "Wrong user name or password"));
      },
      onRcptTo: ({ address }, _, done) => {
        if (this.behaviour === "refuse" || options.unknown?.includes(address)) {
          return done(failure(550, `No such user ${address}`));
        }
        if (this.behaviour === "defer") return done(failure(451, "Try again later"));
        done();
      },
      onData: (stream, session, done) => {
        const decoder = new TextDecoder();
        let raw = "";
        stream.on("data", (chunk: Uint8Array) => raw += decoder.decode(chunk, { stream: true }));
        stream.on("end", () => {
          if (this.behaviour === "hang message") return;
          if (this.behaviour === "refuse message") return done(failure(554, "Message refused"));
          if (this.behaviour === "defer message") return done(failure(452, "Not enough space"));
          const { envelope } = session;
          const mail = parseMail(raw, {
            from: envelope.mailFrom === false ? "" : envelope.mailFrom.address,
            to: envelope.rcptTo.map(({ address }) => address),
            secure: session.secure,
            user: typeof session.user === "string" ? session.user : null,
          });
          this.mails.push(mail);
          options.onMail?.(mail);
          done();
          this.onAcknowledged();
        });
      },
    });
    // Whoever hangs up in the middle is the test's business.
    this.#server.on("error", () => {});
  }

  /** Starts a server on loopback. */
  static async start(options: MailServerOptions = {}): Promise<MailServer> {
    const server = new MailServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject);
      server.#server.listen(options.port ?? 0, "127.0.0.1", () => resolve());
    });
    return server;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.server.address();
    if (address === null || typeof address === "string") throw new Error("The mail server does not listen");
    return address.port;
  }

  /** Keys of the mails, in the order they came. */
  get keys(): string[] {
    return this.mails.map((mail) => mail.key);
  }

  /** Subjects of the mails, in the order they came. */
  get subjects(): string[] {
    return this.mails.map((mail) => mail.subject);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function failure(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

function parseMail(
  raw: string,
  envelope: Pick<ReceivedMail, "from" | "to" | "secure" | "user">,
): ReceivedMail {
  const { headers, body } = split(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers.get("content-type") ?? "")?.[1];
  const parts = boundary === undefined ? [raw] : body.split(`--${boundary}`).slice(1, -1);
  const part = (type: string) => {
    const found = parts.map(split).find(({ headers }) => headers.get("content-type")?.startsWith(type));
    return found === undefined ? "" : decodeBody(found.body, found.headers.get("content-transfer-encoding"));
  };
  return {
    ...envelope,
    headers,
    subject: headers.get("subject") ?? "",
    key: headers.get("x-holdfast-key") ?? "",
    text: part("text/plain"),
    html: part("text/html"),
    raw,
  };
}

function split(raw: string): { headers: Map<string, string>; body: string } {
  const text = raw.replaceAll("\r\n", "\n").replace(/^\n/, "");
  const end = text.indexOf("\n\n");
  const head = text.slice(0, end).replaceAll(/\n[ \t]+/g, " ");
  const headers = new Map(
    head.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())];
    }),
  );
  return { headers, body: text.slice(end + 2) };
}

function decodeWords(text: string): string {
  const joined = text.replaceAll(/\?=\s+=\?/g, "?==?");
  return joined.replaceAll(
    /=\?utf-8\?([QB])\?([^?]*)\?=/gi,
    (_, way: string, word: string) =>
      way.toUpperCase() === "B"
        ? utf8(Uint8Array.from(atob(word), (c) => c.charCodeAt(0)))
        : quotedPrintable(word.replaceAll("_", " ")),
  );
}

function decodeBody(body: string, encoding: string | undefined): string {
  if (encoding === "base64") {
    return utf8(Uint8Array.from(atob(body.replaceAll("\n", "")), (c) => c.charCodeAt(0)));
  }
  if (encoding === "quoted-printable") return quotedPrintable(body.replaceAll(/=\n/g, ""));
  return body;
}

function quotedPrintable(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0x3d) {
      out.push(parseInt(String.fromCharCode(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0), 16));
      i += 2;
    } else out.push(bytes[i] ?? 0);
  }
  return utf8(Uint8Array.from(out));
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
