/**
 * Who starts next: runs that wait, in a fair order, with what each of them needs. No clock, no database.
 *
 * Fair means: schedules take turns. A schedule with a hundred runs waiting gets one in, then the others have
 * theirs (start-time fair queueing, every run counting the same). And nobody is passed by for ever: a run that
 * waits for a lock, a group or its server keeps its place before later ones that need the same. A lock is held by an active run and by nothing else, so a holder that dies
 * cannot keep it.
 */
import { closedAt, type Windows } from "./windows.ts";

/** What a run that waits needs. */
export interface Waiting {
  run_id: string;
  schedule_id: string;
  /** For sentences about it. */
  name: string;
  server_id: number;
  locks: readonly string[];
  group: string | null;
  /** True when it may run beside another one of its schedule. */
  beside: boolean;
  /** When it may start; null at any time. */
  windows: Windows | null;
  /** Instant in milliseconds after which it must not start any more; null without end. */
  deadline: number | null;
}

/** How many may run at once; null without limit. */
export interface Limits {
  total: number;
  per_server: number | null;
  /** Of a group by name; a name that the configuration does not know any more allows one. */
  group(name: string): number;
}

/** Something of which there is a number of places. */
interface Need {
  key: string;
  places: number;
  /** Why a run waits that finds no place free. */
  reason: string;
}

interface Entry<Item> {
  waiting: Waiting;
  needs: readonly Need[];
  /** The same for all that need the same, their own schedule apart. */
  kind: string;
  item: Item;
  /** Rounds before its turn. */
  turn: number;
}

/** The waiting and the active runs of one process. `Item` is whatever the caller wants back. */
export class RunQueue<Item> {
  readonly #limits: Limits;
  /** By turn, then by arrival. */
  #entries: Entry<Item>[] = [];
  readonly #active = new Map<string, Entry<Item>>();
  /** Places taken, by the key of what is needed. */
  readonly #taken = new Map<string, number>();
  /** The latest turn given to each schedule that has one waiting. */
  readonly #turns = new Map<string, number>();
  #turn = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Items that wait, in the order of their turns. */
  get items(): readonly Item[] {
    return this.#entries.map((entry) => entry.item);
  }

  get size(): number {
    return this.#entries.length;
  }

  add(waiting: Waiting, item: Item): void {
    const turn = Math.max(this.#turn, (this.#turns.get(waiting.schedule_id) ?? this.#turn - 1) + 1);
    this.#turns.set(waiting.schedule_id, turn);
    let index = this.#entries.length;
    while (index > 0 && this.#entries[index - 1]!.turn > turn) index--;
    this.#entries.splice(index, 0, { waiting, ...this.#needsOf(waiting), item, turn });
  }

  /** Takes a run out that shall not start; undefined when it does not wait here. */
  remove(runId: string): Item | undefined {
    const index = this.#entries.findIndex(({ waiting }) => waiting.run_id === runId);
    return index < 0 ? undefined : this.#removeAt(index).item;
  }

  /** Takes everything out that waits. */
  clear(): Item[] {
    const items = this.#entries.map((entry) => entry.item);
    this.#entries = [];
    this.#turns.clear();
    return items;
  }

  /** Changes the waiting items of a schedule, and with them what they need. */
  replan(scheduleId: string, change: (item: Item) => Item, plan: (item: Item) => Waiting): void {
    for (const entry of this.#entries) {
      if (entry.waiting.schedule_id !== scheduleId) continue;
      const item = change(entry.item);
      const waiting = plan(item);
      Object.assign(entry, { item, waiting, ...this.#needsOf(waiting) });
    }
  }

  /** Takes out what waited too long, with the reason it gave for waiting. */
  expired(now: number): { item: Item; reason: string }[] {
    const late = this.#entries.filter(({ waiting }) => waiting.deadline !== null && now > waiting.deadline);
    if (late.length === 0) return [];
    const reasons = this.reasons(now);
    return late.map(({ waiting, item }) => {
      this.remove(waiting.run_id);
      return { item, reason: reasons.get(waiting.run_id) ?? "its turn" };
    });
  }

  /** Takes the next run that may start, which counts as active from now on. */
  next(now: number): Item | undefined {
    if (this.#active.size >= this.#limits.total) return undefined;
    const full = new Set<string>();
    const index = this.#look(now, (_, early, missing) => early === null && missing === undefined, full);
    const entry = this.#entries[index];
    if (entry === undefined) return undefined;
    this.#turn = Math.max(this.#turn, entry.turn);
    this.#removeAt(index);
    this.#active.set(entry.waiting.run_id, entry);
    for (const { key } of entry.needs) this.#taken.set(key, (this.#taken.get(key) ?? 0) + 1);
    return entry.item;
  }

  /** Gives back what an active run held. */
  release(runId: string): void {
    const entry = this.#active.get(runId);
    if (entry === undefined) return;
    this.#active.delete(runId);
    for (const { key } of entry.needs) {
      const taken = (this.#taken.get(key) ?? 0) - 1;
      if (taken > 0) this.#taken.set(key, taken);
      else this.#taken.delete(key);
    }
  }

  /** For each waiting run what it waits for, by run id. */
  reasons(now: number): Map<string, string> {
    const reasons = new Map<string, string>();
    this.#look(now, ({ run_id }, early, missing) => {
      reasons.set(run_id, early ?? (missing === undefined ? "its turn" : this.#missingText(missing)));
      return false;
    });
    return reasons;
  }

  /**
   * Looks at waiting runs in order, each with what is in its way, until `found`; gives its index, or -1. With `full`
   * it looks only at the first of those that need the same: where that finds no place, the next does not either.
   */
  #look(
    now: number,
    found: (waiting: Waiting, early: string | null, missing: Need | undefined) => boolean,
    full?: Set<string>,
  ): number {
    // What earlier runs wait for is not free for later ones.
    const wanted = new Map<string, number>();
    for (let index = 0; index < this.#entries.length; index++) {
      const { waiting, needs, kind } = this.#entries[index]!;
      if (full?.has(kind)) continue;
      // A run that could not start with every place free wants none yet, so it is in nobody's way.
      const early = this.#early(waiting, wanted, now);
      const missing = early === null ? this.#missing(needs, wanted) : undefined;
      if (found(waiting, early, missing)) return index;
      if (early !== null) continue;
      full?.add(kind);
      for (const { key } of needs) if (key !== TOTAL) wanted.set(key, (wanted.get(key) ?? 0) + 1);
    }
    return -1;
  }

  /** Why it is too early for a run whoever else runs: its windows, or the one before it of its schedule. */
  #early(waiting: Waiting, wanted: ReadonlyMap<string, number>, now: number): string | null {
    const { windows, beside, schedule_id } = waiting;
    const shut = windows === null ? null : closedAt(windows, now);
    if (shut !== null || beside) return shut;
    const own = ownKey(schedule_id);
    return this.#taken.has(own) || wanted.has(own) ? "the run before it" : null;
  }

  /** The first need that has no place free. */
  #missing(needs: readonly Need[], wanted: ReadonlyMap<string, number>): Need | undefined {
    for (const need of needs) {
      if ((this.#taken.get(need.key) ?? 0) + (wanted.get(need.key) ?? 0) >= need.places) return need;
    }
    return undefined;
  }

  #missingText({ key, places, reason }: Need): string {
    if ((this.#taken.get(key) ?? 0) < places) return `${reason}, which others wait for longer`;
    if (!key.startsWith(LOCK)) return reason;
    const holder = [...this.#active.values()].find(({ needs }) => needs.some((need) => need.key === key));
    return `${reason}, held by run ${holder?.waiting.run_id} of ${holder?.waiting.name}`;
  }

  #needsOf(waiting: Waiting): { needs: Need[]; kind: string } {
    const { schedule_id, server_id, group, locks, beside } = waiting;
    const { total, per_server } = this.#limits;
    const needs = [{ key: TOTAL, places: total, reason: `one of ${total} places` }];
    for (const lock of locks) needs.push({ key: `${LOCK}${lock}`, places: 1, reason: `lock "${lock}"` });
    if (group !== null) {
      const places = this.#limits.group(group);
      needs.push({ key: `group ${group}`, places, reason: `one of ${places} places in group "${group}"` });
    }
    if (per_server !== null) {
      const reason = `one of ${per_server} places on its server`;
      needs.push({ key: `server ${server_id}`, places: per_server, reason });
    }
    const kind = JSON.stringify([needs.map((need) => need.key), waiting.windows]);
    if (!beside) needs.push({ key: ownKey(schedule_id), places: 1, reason: "the run before it" });
    return { needs, kind };
  }

  #removeAt(index: number): Entry<Item> {
    const [entry] = this.#entries.splice(index, 1);
    const id = entry!.waiting.schedule_id;
    // A schedule with nothing waiting any more owes nobody a turn.
    if (this.#turns.get(id) === entry!.turn && entry!.turn <= this.#turn) this.#turns.delete(id);
    return entry!;
  }
}

const ownKey = (scheduleId: string) => `schedule ${scheduleId}`;
const TOTAL = "total";
const LOCK = "lock ";
