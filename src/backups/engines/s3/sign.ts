/** Signing requests for a storage (AWS Signature Version 4). */
import { createHash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";

/** What requests are signed with. */
export interface Credentials {
  access_key_id: string;
  secret_access_key: string;
  session_token?: string;
  region: string;
}

/** A request to be signed. */
export interface Unsigned {
  method: string;
  url: URL;
  headers?: Record<string, string>;
  body?: Uint8Array | undefined;
}

/** Headers with which the storage takes a request, and refuses a body that is not this one. `now` in milliseconds. */
export async function sign(
  { method, url, headers = {}, body }: Unsigned,
  { access_key_id, secret_access_key, session_token, region }: Credentials,
  now: number,
): Promise<Headers> {
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers: { ...headers, "x-amz-content-sha256": createHash("sha256").update(body ?? "").digest("hex") },
    accessKeyId: access_key_id,
    secretAccessKey: secret_access_key,
    ...(session_token === undefined ? {} : { sessionToken: session_token }),
    service: "s3",
    // Also a range, which the library leaves out by default: nothing on the way may change a request.
    allHeaders: true,
    region,
    datetime: new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, ""),
  });
  return (await signer.sign()).headers;
}
