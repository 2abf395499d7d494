/** What a test file holds in memory: others run in the same process, so that of the process says nothing about it. */
export function heldBytes(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
