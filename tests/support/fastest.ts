/** How long work takes when nothing comes between: the best of so many times, in milliseconds. */
export async function fastest(times: number, work: () => void | Promise<void>): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await work();
    best = Math.min(best, performance.now() - started);
  }
  return best;
}
