/** One configuration file: what it sets, with the line of each, and what in it is not understood. */
import { dirname } from "node:path";
import type { YAMLMap } from "yaml";
import { emptyReading, type Layer, type Reading } from "./given.ts";
import type { Names } from "./names.ts";

/** Reads the text of a configuration file. What is wrong becomes a problem with file and line. */
export async function readYaml(
  text: string,
  file: string,
  layer: Layer["name"],
  names: Names,
): Promise<Reading> {
  // Loaded here, because most commands run where there is no file.
  const { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } = await import("../lib/yaml.ts");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const reading = emptyReading();

  const complain = (path: string, offset: number, message: string) =>
    reading.problems.push({ path, source: `${file}:${lines.linePos(offset).line}`, message });

  for (const { message, pos } of [...document.errors, ...document.warnings]) {
    const { line, col } = lines.linePos(pos[0]);
    reading.problems.push({ path: "", source: `${file}:${line}:${col}`, message });
  }
  if (reading.problems.length > 0) return reading;

  const target = (node: unknown) => isAlias(node) ? node.resolve(document) : node;

  /** Scalars and lists of scalars; anything else becomes an object, which no setting accepts. */
  function plain(node: unknown, inList = false): unknown {
    const found = target(node);
    if (isScalar(found)) return found.value;
    if (isSeq(found) && !inList) return found.items.map((item) => plain(item, true));
    return found === null || found === undefined ? null : {};
  }

  function visit(map: YAMLMap, prefix: string, offset: number): void {
    for (const { key, value } of map.items) {
      const word = plain(key);
      const keyAt = (isScalar(key) ? key.range?.[0] : undefined) ?? offset;
      const path = prefix + (typeof word === "object" ? "?" : String(word));
      if (prefix === "" && names.isElsewhere(path)) continue;
      const inside = target(value);
      const found = names.at(path);
      const nested = path.includes(".") && typeof word === "string" && word.includes(".");
      if (found !== undefined && !nested) {
        const written = plain(value);
        // "listen:" with nothing behind it is a line somebody has yet to fill in.
        if (written === null && (found.inFile || !found.leaf.nullable)) continue;
        const source = `${file}:${lines.linePos(keyAt).line}`;
        reading.given.push({
          path: found.path,
          leaf: found.leaf,
          value: written,
          inFile: found.inFile,
          base: dirname(file),
          layer: { name: layer, source },
        });
      } else if (!names.isSection(path) || nested) {
        complain(path, keyAt, nested ? written(path, names) : names.unknownKey(path));
      } else if (isMap(inside)) {
        visit(inside, `${path}.`, keyAt);
      } else if (plain(value) !== null) {
        complain(path, keyAt, `"${path}" is a section: its settings go below it, indented`);
      }
    }
  }

  if (isMap(document.contents)) visit(document.contents, "", 0);
  else if (plain(document.contents) !== null) {
    complain("", 0, `expected settings such as "data_dir: /var/lib/holdfast"`);
  }
  return reading;
}

/** What to say of `api.listen: x`: keys with dots are how settings are called, not how they are written. */
function written(path: string, names: Names): string {
  if (names.at(path) === undefined) return names.unknownKey(path);
  const [section, ...rest] = path.split(".");
  return `unknown setting "${path}": write "${rest.join(".")}" below "${section}", indented`;
}
