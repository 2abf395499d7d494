/** The address a listener binds to, as written in `api.listen`. */

/** A host and a port to bind to. */
export interface ListenAddress {
  hostname: string;
  port: number;
}

/** Reads `127.0.0.1:8420`, `localhost:0`, `[::1]:8420`; undefined when the text is not such an address. */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return hostname === undefined || port > 65_535 ? undefined : { hostname, port };
}
