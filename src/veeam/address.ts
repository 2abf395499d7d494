/** Where a Veeam server's API is, from what people write. */
import { HoldfastError } from "../lib/errors.ts";
import { isLoopbackAddress } from "../lib/address.ts";

/** The port of the API on every release; 13.1 and later answer on 443 as well. */
export const DEFAULT_PORT = 9419;

/** Where an API answers. */
export interface Address {
  /** `https://vbr-1.example.org:9419`, without slash at the end. */
  url: string;
  hostname: string;
  port: number;
  tls: boolean;
}

/**
 * The address in `host`, `host:port` or a URL; a port that is written there counts before `port`. Errors: `invalid` for what
 * is none of these, and for plain HTTP that would leave this host.
 */
export function parseAddress(text: string, port: number | null = null): Address {
  const match = /^(?:(https?):\/\/)?(\[[0-9a-f:.]+\]|[^\s/:@[\]]+)(?::(\d{1,5}))?(\/\S*)?$/i.exec(
    text.trim(),
  );
  if (match === null) {
    throw new HoldfastError(
      "invalid",
      `Cannot read Veeam server "${text}": expected host, host:port or address`,
    );
  }
  const [, scheme = "https", host = "", written, path = ""] = match;
  const tls = scheme.toLowerCase() === "https";
  if (!tls && !isLoopbackAddress(host)) {
    throw new HoldfastError(
      "invalid",
      `Cannot use "${text}": plain http would show the password to the network`,
      {
        hint: `write https://${host}`,
      },
    );
  }
  const number = written === undefined ? port ?? DEFAULT_PORT : Number(written);
  const base = `${tls ? "https" : "http"}://${host.toLowerCase()}:${number}`;
  return { url: base + path.replace(/\/+$/, ""), hostname: host.replace(/^\[|\]$/g, ""), port: number, tls };
}
