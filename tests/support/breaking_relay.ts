/** A line that breaks: passes connections on, and cuts those through which so many bytes have gone, as often as told. */

export interface BreakingRelay extends AsyncDisposable {
  port: number;
  /** Cuts the next connections after so many bytes from the client, one each. */
  cutAfter(bytes: readonly number[]): void;
  /** Bytes that clients sent. */
  sent(): number;
}

export function breakingRelay(to: number): BreakingRelay {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  let cuts: number[] = [];
  let sent = 0;
  const close = (connection: Deno.Conn) => {
    open.delete(connection);
    try {
      connection.close();
    } catch {
      // Closed by the other side.
    }
  };
  const pump = async (from: Deno.Conn, into: Deno.Conn, take: (bytes: number) => boolean) => {
    const buffer = new Uint8Array(64 << 10);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        if (!take(count)) break;
        for (let at = 0; at < count;) at += await into.write(buffer.subarray(at, count));
      }
    } catch {
      // Either side may go away at any time.
    }
    close(from);
    close(into);
  };
  const serve = async (client: Deno.Conn) => {
    open.add(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: to });
    open.add(server);
    let passed = 0;
    const forth = pump(client, server, (count) => {
      sent += count;
      passed += count;
      const limit = cuts[0];
      if (limit === undefined || passed < limit) return true;
      cuts = cuts.slice(1);
      return false;
    });
    await Promise.all([forth, pump(server, client, () => true)]);
  };
  const working: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const client of listener) working.push(serve(client).catch(() => close(client)));
  })();
  return {
    port: listener.addr.port,
    cutAfter: (bytes) => cuts = [...bytes],
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of [...open]) close(connection);
      await accepting.catch(() => {});
      await Promise.all(working);
    },
  };
}
