/** kill -9 of real processes, at a moment that somebody tells of or at any. */

/** When a process is to be killed. */
export interface Deadline {
  /** The moment at which it is killed, as {@linkcode Killer.at} is told. */
  moment: string;
  /** So many times the moment passes it by. */
  spared: number;
  /** Whatever happened, it is killed after so long; that counts as `any`. */
  afterMs: number;
}

/** Kills one process after the other. */
export class Killer {
  /** How often each moment was hit. */
  readonly hits = new Map<string, number>();
  #onMoment: (moment: string) => void = () => {};

  /** Says that a moment has come. */
  at(moment: string): void {
    this.#onMoment(moment);
  }

  /** Resolves when the process is dead; one that kills itself does so at its moment. Throws when it ends by itself. */
  async kill(process: Deno.ChildProcess, { moment, spared, afterMs }: Deadline): Promise<void> {
    let hit = moment;
    let left = spared;
    const end = (why: string) => {
      this.#onMoment = () => {};
      hit = why;
      process.kill("SIGKILL");
    };
    this.#onMoment = (now) => {
      if (now === moment && left-- <= 0) end(moment);
    };
    const timer = setTimeout(() => end("any"), afterMs);
    const { signal, code } = await process.status;
    clearTimeout(timer);
    this.#onMoment = () => {};
    if (signal !== "SIGKILL") throw new Error(`The process was not killed: it ended with ${code}`);
    this.hits.set(hit, (this.hits.get(hit) ?? 0) + 1);
  }

  /** `3 any, 2 connection`. */
  toString(): string {
    return [...this.hits].map(([moment, count]) => `${count} ${moment}`).join(", ");
  }
}
