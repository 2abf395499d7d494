/** Certificates made on the spot with OpenSSL, good for 127.0.0.1. */
import { join } from "node:path";

/** True where tests can make certificates; where they cannot, `what` is reported as skipped. */
export async function canMakeCertificates(what: string): Promise<boolean> {
  try {
    return (await new Deno.Command("openssl", { args: ["version"], stdin: "null" }).output()).success;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(`skipped: ${what}: there is no openssl: install the package openssl`);
    return false;
  }
}

/** Writes `NAME.pem` and `NAME.key` into a directory: a self-signed certificate and its key. */
export async function makeCertificate(dir: string, name: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
  const { code, stderr } = await new Deno.Command("openssl", {
    args: ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
      .concat(["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
      // The runtime refuses a certificate that is marked as an authority.
      .concat(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert]),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`expected a certificate: ${new TextDecoder().decode(stderr)}`);
  return { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
}
