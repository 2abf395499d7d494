/** Ports of this host that are known before anybody listens on them. */

/**
 * Below those that a system gives to whoever names none: no connection and no server of a test that runs beside takes
 * one of them between two moments.
 */
const [FIRST, COUNT] = [10_000, 20_000];

/** A port of 127.0.0.1 that nobody listens on: for a server that has to be told one, or where nobody shall be. */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
