/**
 * The YAML library, for who loads it when it is needed: import() this file, not the package. Importing the package
 * itself that way works from source only; in the bundled program one of the older kind has nothing but a default.
 */
export { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, stringify } from "yaml";
