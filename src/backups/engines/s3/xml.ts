/** As much of XML as storages answer with: elements with text in them, without attributes that matter. */

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Contents of all elements of this name, as they stand. */
export function elements(xml: string, name: string): string[] {
  const [begin, end] = [new RegExp(`<${name}(?:\\s[^<>]*)?>`, "g"), `</${name}>`];
  const found: string[] = [];
  // In one pass: one regular expression for all would begin anew at each element that never ends.
  while (begin.test(xml)) {
    const [from, to] = [begin.lastIndex, xml.indexOf(end, begin.lastIndex)];
    if (to < 0) return found;
    found.push(xml.slice(from, to));
    begin.lastIndex = to + end.length;
  }
  return found;
}

/** Text of the first element of this name, or undefined. */
export function textOf(xml: string, name: string): string | undefined {
  const [first] = elements(xml, name);
  return first === undefined ? undefined : decode(first.trim());
}

/** A text as it stands in an element. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function decode(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : parseInt(hex, 16);
    return code <= 0x10FFFF ? String.fromCodePoint(code) : whole;
  });
}
