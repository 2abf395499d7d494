/** Whom the client believes: pinned at first use, refused when it changed, and bad addresses in words. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import { HoldfastError } from "../../src/lib/errors.ts";
import { VeeamClient } from "../../src/veeam/client.ts";
import type { VeeamServerSettings } from "../../src/veeam/config.ts";
import type { Memory } from "../../src/veeam/memory.ts";
import { processMemory } from "../support/veeam/memory.ts";
import { canMakeCertificates, makeCertificate } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { RudeServer } from "../support/receiver.ts";
import { never } from "../support/veeam/client.ts";
import { FakeVeeam } from "../support/veeam/fake.ts";

const possible = await canMakeCertificates("certificates of Veeam servers");

function clientAt(
  host: string,
  options: { memory?: Memory; settings?: Partial<VeeamServerSettings>; notes?: string[] } = {},
): VeeamClient {
  const fake = new FakeVeeam({ clock: systemClock });
  return new VeeamClient({
    name: "vbr-1",
    settings: { ...fake.settings, host, ...options.settings },
    clock: systemClock,
    memory: options.memory ?? processMemory(),
    timeoutMs: 5000,
    note: (text) => options.notes?.push(text),
    pageSize: 100,
  });
}

async function refusal(client: VeeamClient): Promise<HoldfastError> {
  const error = await client.jobs(never()).then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof HoldfastError, `expected a refusal, got ${error}`);
  return error;
}

/** Two servers with certificates of their own, one after the other on no particular port. */
async function withServers(
  work: (first: { fake: FakeVeeam; port: number; cert: string }, second: typeof first) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "holdfast-veeam-" });
  try {
    const [one, two] = [await makeCertificate(dir, "one"), await makeCertificate(dir, "two")];
    const [first, second] = [new FakeVeeam({ clock: systemClock }), new FakeVeeam({ clock: systemClock })];
    await using servedFirst = first.serve(one);
    await using servedSecond = second.serve(two);
    await work(
      { fake: first, port: servedFirst.port, cert: one.cert },
      { fake: second, port: servedSecond.port, cert: two.cert },
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a certificate nobody vouches for is pinned at first use; another one later gets no byte of a password", async () => {
  if (!possible) return;
  await withServers(async (first, second) => {
    const memory = processMemory();
    const notes: string[] = [];
    const address = `127.0.0.1:${first.port}`;
    await using client = clientAt(address, { memory, notes });
    assert.equal((await client.jobs(never())).length, 5);
    const pinned = (await memory.get(`https://${address}`))?.fingerprint ?? "";
    assert.match(pinned, /^[0-9a-f]{64}$/);
    assert.equal(notes.length, 1);
    assert.ok(notes[0]?.includes(pinned), notes[0]);

    // The other server is now found where the first one was.
    const moved = processMemory();
    await moved.set(`https://127.0.0.1:${second.port}`, { fingerprint: pinned, revision: "1.3-rev2" });
    await using fooled = clientAt(`127.0.0.1:${second.port}`, { memory: moved });
    const error = await refusal(fooled);
    assert.equal(error.code, "certificate_changed");
    const shown = await fooled.connection.certificate(never());
    assert.ok(error.message.includes(pinned) && error.message.includes(shown!.fingerprint), error.message);
    assert.deepEqual(second.fake.requests, []);

    // A fingerprint has to be named to be believed.
    await assert.rejects(fooled.trust({ fingerprint: pinned, forget_revision: false }, never()), {
      kind: "conflict",
    });
    await fooled.trust({ fingerprint: shown!.fingerprint.toUpperCase(), forget_revision: true }, never());
    assert.equal((await fooled.jobs(never())).length, 5);
  });
});

Deno.test("a CA file, a configured fingerprint and an opt-out each say what to believe", async () => {
  if (!possible) return;
  await withServers(async (first, second) => {
    const dir = await Deno.makeTempDir({ prefix: "holdfast-veeam-" });
    try {
      const ca_file = join(dir, "ca.pem");
      await Deno.writeTextFile(ca_file, second.cert);
      const address = `127.0.0.1:${first.port}`;
      await using wrong = clientAt(address, { settings: { ca_file } });
      assert.match((await refusal(wrong)).message, /certificate|UnknownIssuer/i);
      assert.deepEqual(first.fake.requests, []);

      await using other = clientAt(address, { settings: { fingerprint: "ab".repeat(32) } });
      assert.equal((await refusal(other)).code, "certificate_changed");
      assert.deepEqual(first.fake.requests, []);

      const notes: string[] = [];
      await using careless = clientAt(address, { settings: { insecure: true }, notes });
      assert.equal((await careless.jobs(never())).length, 5);
      assert.match(notes[0] ?? "", /^warning: .* not checked/);

      await Deno.writeTextFile(ca_file, first.cert);
      await using right = clientAt(address, { settings: { ca_file } });
      assert.equal((await right.jobs(never())).length, 5);
      await using absent = clientAt(address, { settings: { ca_file: join(dir, "none.pem") } });
      assert.equal((await refusal(absent)).kind, "invalid");
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
});

Deno.test("a wrong host, a closed port, plain HTTP and a server that says nothing are told apart", async () => {
  await using missing = clientAt("no-such-host.invalid");
  assert.match((await refusal(missing)).message, /no-such-host\.invalid:9419: there is no host of that name/);

  const port = freePort();
  await using nobody = clientAt(`127.0.0.1:${port}`);
  assert.match((await refusal(nobody)).message, /nothing listens on that port/);
  await using plainNobody = clientAt(`http://127.0.0.1:${port}`);
  assert.match((await refusal(plainNobody)).message, /nothing listens on that port/);

  const fake = new FakeVeeam({ clock: systemClock });
  await using plain = fake.serve();
  await using tls = clientAt(`127.0.0.1:${plain.port}`);
  assert.match((await refusal(tls)).message, /does not speak TLS/);
  assert.deepEqual(fake.requests, []);

  await using rude = new RudeServer("220 mail.example.org ESMTP\r\n");
  await using mail = clientAt(`127.0.0.1:${rude.port}`);
  assert.match((await refusal(mail)).message, /Cannot reach Veeam server "vbr-1"/);

  for (const field of ["host", "username", "password"] as const) {
    assert.throws(() => clientAt("127.0.0.1", { settings: { [field]: null } }), { kind: "invalid" });
  }
});
