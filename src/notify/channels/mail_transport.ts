/** The mail library, to be loaded when there is mail: see lib/yaml.ts for why by way of a file. */
export { createTransport } from "nodemailer";
