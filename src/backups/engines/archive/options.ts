/** What a person sets for an `archive` backup. */
import { isAbsolute } from "node:path";
import { z } from "zod";
import { isS3, S3Address, S3Settings } from "../s3/options.ts";
import { SecretRef } from "../tools/secrets.ts";
import { globMatcher } from "./glob.ts";

const AbsolutePath = z.string().refine(isAbsolute, "expected an absolute path");

const Glob = z.string().min(1).refine((pattern) => {
  try {
    globMatcher([pattern]);
    return true;
  } catch {
    return false;
  }
}, "expected a glob pattern");

/** A key that may be known to everybody. Its text is not repeated: somebody may give the secret one by mistake. */
const Recipient = z.string().regex(/^age1[0-9a-z]{20,5000}$/, "expected an age recipient: age1...");

/** Schema of `engine_options`. */
export const ArchiveOptions = z.strictObject({
  sources: z.array(AbsolutePath).min(1)
    .describe("Directories and files to back up, as absolute paths"),
  destination: z.union([AbsolutePath, S3Address], "expected an absolute path, or s3://bucket/prefix")
    .describe(
      "Directory the artifacts are written to, created when missing, not inside a source; or s3://bucket/prefix",
    ),
  s3: S3Settings.optional().describe("How the storage of a destination s3://... is reached"),
  excludes: z.array(Glob).optional()
    .describe(
      "Glob patterns of what to leave out: a name anywhere (*.tmp), or a path below the source (cache/**)",
    ),
  compression: z.enum(["zstd", "gzip"]).optional()
    .describe("zstd (default, .tar.zst) or gzip (.tar.gz)"),
  level: z.number().int().min(1).max(19).optional()
    .describe("Compression level: 1 to 19 for zstd (default 3), 1 to 9 for gzip (default 6)"),
  encrypt_to: z.array(Recipient).min(1).max(100).optional()
    .describe("Encrypt for these age recipients (age1...): who restores needs the identity of one of them"),
  identity: SecretRef.optional()
    .describe(
      'Identity that opens the archive without anybody asked: {"secret": "NAME"}; restore tests need it',
    ),
  allow_unreadable: z.boolean().optional()
    .describe("Count a run as a success although files could not be read; each is named either way"),
}).refine((options) => options.compression !== "gzip" || (options.level ?? 6) <= 9, {
  path: ["level"],
  error: "expected at most 9 for gzip",
}).refine((options) => isS3(options.destination) === (options.s3 !== undefined), {
  path: ["s3"],
  error: "expected with a destination s3://..., and only then",
}).refine((options) => options.identity === undefined || options.encrypt_to !== undefined, {
  path: ["identity"],
  error: "expected encrypt_to as well: what is not encrypted needs no identity",
});
export type ArchiveOptions = z.output<typeof ArchiveOptions>;
