/** Waiting for what another process does: always for a condition, never for a time. */

/** How often a condition is looked at, in milliseconds. */
const LOOK_EVERY_MS = 25;

/** A machine may have much else to do; that long only what will never come is waited for. */
const PATIENCE_SECONDS = 120;

/** What `look` answers as soon as it is neither undefined nor false. Fails, naming `what`, after `seconds`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = PATIENCE_SECONDS,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`Waited ${seconds} s in vain for ${what}`);
}

/** What `work` resolves with. Fails, naming `what`, after `seconds`. */
export async function within<T>(seconds: number, what: string, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${seconds} s in vain for ${what}`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
