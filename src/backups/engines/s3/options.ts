/** What a person sets for artifacts that lie in S3-compatible storage, and what their addresses mean. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { SecretRef } from "../tools/secrets.ts";

const AbsolutePath = z.string().refine(isAbsolute, "expected an absolute path");

const Endpoint = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname, search, hash, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && pathname === "/" &&
    [search, hash, username, password].every((it) => it === "");
}, "expected an address such as https://s3.example.org, without a path and without a password");

/** How a storage is reached. */
export const S3Settings = z.strictObject({
  endpoint: Endpoint.describe("Address of the storage: https://s3.eu-central-1.amazonaws.com"),
  region: z.string().min(1).max(100).optional().describe("Region requests are signed for; default us-east-1"),
  access_key_id: z.union([z.string().min(1), SecretRef]).describe(
    'Access key, as text or {"secret": "NAME"}',
  ),
  secret_access_key: SecretRef.describe('Secret key: {"secret": "NAME"}'),
  session_token: SecretRef.optional().describe('Token of temporary credentials: {"secret": "NAME"}'),
  path_style: z.boolean().optional()
    .describe("The bucket stands in the path (default); false: in front of the host's name"),
  ca_file: AbsolutePath.optional().describe(
    "File of the certificate authorities to believe instead of the system's",
  ),
  pin: z.string().regex(/^([0-9a-fA-F]{2}:?){32}$/, "expected a SHA-256 fingerprint").optional()
    .describe("SHA-256 fingerprint of the one certificate to believe"),
  allow_private: z.boolean().optional().describe(
    "Connect also to addresses that are not public (10.0.0.0/8, localhost); over the network for admins only",
  ),
});
export type S3Settings = z.output<typeof S3Settings>;

/** Address of a place in a storage: `s3://bucket` or `s3://bucket/prefix`. */
export const S3Address = z.string().regex(
  /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^/\s\p{Cc}]+)*$/u,
  "expected s3://bucket/prefix, without a slash at its end",
).refine(
  (text) => !text.split("/").some((part) => part === "." || part === ".."),
  'expected no "." and no ".." in it',
).refine((text) => text.isWellFormed(), "expected text that can be written as UTF-8");

/** A place in a storage. */
export interface Place {
  bucket: string;
  /** Without slashes at either end; empty for the whole bucket. */
  key: string;
}

/** True for what is no path of this host. */
export function isS3(path: string): boolean {
  return path.startsWith("s3://");
}

/** The place of an address; `s3://bucket/a/b` is `a/b` in `bucket`. */
export function placeOf(address: string): Place {
  const [bucket = "", ...rest] = address.slice("s3://".length).split("/");
  return { bucket, key: rest.join("/") };
}
