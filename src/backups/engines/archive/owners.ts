/** Names of users and groups, for archives that other machines read; numbers stay what counts. */

/** A function from id to name; unknown ids, and systems without the file, give an empty name. */
export function namesOf(file: "/etc/passwd" | "/etc/group"): (id: number) => string {
  const names = new Map<number, string>();
  for (const line of linesOf(file)) {
    const [name, , id] = line.split(":");
    if (name !== undefined && id !== undefined && !names.has(Number(id))) names.set(Number(id), name);
  }
  return (id) => names.get(id) ?? "";
}

function linesOf(file: string): string[] {
  try {
    return Deno.readTextFileSync(file).split("\n");
  } catch {
    return [];
  }
}
