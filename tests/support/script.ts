/** Shell scripts that stand for programs. */

/**
 * Writes a script that can be executed at once. Another process writes it: whatever else this one starts at that moment
 * has its open files for a while, and the system executes nothing that is open for writing.
 */
export async function writeScript(path: string, lines: string): Promise<void> {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", 'cat > "$0" && chmod 755 "$0"', path],
    stdin: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`#!/bin/sh\n${lines}\n`));
  await writer.close();
  if (!(await child.status).success) throw new Error(`Cannot write the script ${path}`);
}
