/** What a person sets for a `sqlite` backup. */
import { z } from "zod";
import { AbsolutePath, CompressionOption, Destination } from "../dump/destination.ts";

/** Schema of `engine_options`. */
export const SqliteOptions = z.strictObject({
  database: AbsolutePath.describe("File of the SQLite database, as an absolute path; it may be in use"),
  destination: Destination,
  compression: CompressionOption,
});
export type SqliteOptions = z.output<typeof SqliteOptions>;
