/** What a person sets for an `http` backup. */
import { z } from "zod";
import { AbsolutePath, Destination } from "../dump/destination.ts";
import { SecretRef } from "../tools/secrets.ts";

/** RFC 6901: `/result/id`; the empty text is the whole answer. */
const Pointer = z.string().regex(/^(\/([^~]|~[01])*)?$/, "expected a JSON pointer such as /status");

const PLACES = "{/pointer} stands for a value of the answers so far, escaped unless it is the whole address";

const Address = z.string().min(1).refine(
  (text) => !/\/\/[^/@\s]*:[^/@\s]*@/.test(text),
  "expected no password in the address: use a header with a secret",
);
const StartAddress = Address.refine((text) => {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}, "expected an address that begins with https:// or http://");

const HeaderName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "expected the name of a header");
const Headers = z.record(HeaderName, z.union([z.string(), SecretRef])).optional();
const Statuses = z.array(z.string().min(1)).min(1).optional();
const Seconds = z.number().positive().max(86_400);

/** Schema of `engine_options`. */
export const HttpOptions = z.strictObject({
  start: z.strictObject({
    url: StartAddress.describe("Address of the request that starts a backup"),
    method: z.enum(["POST", "PUT", "GET"]).optional().describe("Default POST"),
    headers: Headers.describe('Headers; a value can be {"secret": "NAME"}'),
    json: z.unknown().optional().describe('Body, as JSON; a value in it can be {"secret": "NAME"}'),
  }).describe("The request that starts a backup; it is not repeated when it fails"),
  poll: z.strictObject({
    url: Address.optional().describe(
      `Address that tells the status; default: the Location of the start's answer. ${PLACES}`,
    ),
    headers: Headers.describe("Headers; default: those of start, where the origin is the same"),
    status: Pointer.describe("Where the answer tells the status: /status"),
    done: Statuses.describe("Statuses of success; default done, completed, success, succeeded, finished"),
    failed: Statuses.describe("Statuses of failure; default failed, error, cancelled, canceled, aborted"),
    message: Pointer.optional().describe("Where the answer says why it failed"),
    percent: Pointer.optional().describe("Where the answer tells how far it is, 0 to 100"),
    interval_seconds: Seconds.min(0.05).optional().describe("Time between two questions; default 5"),
  }).optional().describe("How to ask until it is done; without it the start's answer is the end"),
  download: z.strictObject({
    url: Address.describe(`Address of the finished backup, relative to the start's. ${PLACES}`),
    headers: Headers.describe("Headers; default: those of start, where the origin is the same"),
    suffix: z.string().regex(/^(\.[A-Za-z0-9_-]+)+$/, "expected a form such as .tar.gz").optional()
      .describe("Ending of the artifact; default .bin"),
    max_bytes: z.int().positive().optional().describe("Largest backup that is taken, in bytes"),
    stall_seconds: Seconds.optional().describe("Longest time without a byte; default 60"),
  }).optional().describe("Fetches the backup; without it only its existence there is recorded"),
  destination: Destination.optional(),
  size_bytes: Pointer.optional().describe("Where an answer tells the size in bytes; needed without download"),
  sha256: Pointer.optional().describe(
    "Where an answer tells the SHA-256 in hexadecimal, which a download is compared with",
  ),
  cancel: z.strictObject({
    url: Address.describe(`Address. ${PLACES}`),
    method: z.enum(["POST", "PUT", "DELETE"]).optional().describe("Default POST"),
  }).optional().describe("The request that ends a backup whose run was cancelled or took too long"),
  remove: z.strictObject({
    url: Address.describe(`Address; values are those of the status. ${PLACES}`),
    method: z.enum(["DELETE", "POST"]).optional().describe("Default DELETE"),
  }).optional().describe(
    "The request that deletes a backup that was not downloaded; without it, it stays there",
  ),
  timeout_seconds: Seconds.optional().describe("Longest time until it is done; default 3600"),
  ca_file: AbsolutePath.optional().describe(
    "File of the certificate authorities to believe instead of the system's",
  ),
  pin: z.string().regex(/^([0-9a-fA-F]{2}:?){32}$/, "expected a SHA-256 fingerprint").optional()
    .describe("SHA-256 fingerprint of the one certificate to believe"),
  allow_private: z.boolean().optional()
    .describe(
      "Connect also to addresses that are not public (10.0.0.0/8, localhost); over the network for admins only",
    ),
}).superRefine((options, context) => {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (options.download !== undefined && options.destination === undefined) {
    refuse("destination", "expected a directory to download to");
  }
  if (options.download === undefined && (options.size_bytes === undefined || options.poll === undefined)) {
    refuse("download", "expected download, or poll and size_bytes to know the backup by");
  }
});
export type HttpOptions = z.output<typeof HttpOptions>;
