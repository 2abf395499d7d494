/** The CSV library, loaded by who asked for CSV. */
export { stringify } from "csv-stringify/sync";
