/**
 * Ten thousand random lives of a router: machines come, change, pause and go; people edit by hand; the program dies and
 * answers are lost at every place. Pure parts only, on the fake router's configuration.
 */
import assert from "node:assert/strict";
import { HoldfastError } from "../../src/lib/errors.ts";
import { changeMachine, type Drafting, draftMachine, withPorts } from "../../src/network/draft.ts";
import { compare } from "../../src/network/drift.ts";
import { claimsOf, type Machine, markerIn } from "../../src/network/machine.ts";
import { keyOf, objectsOf, subnetPath } from "../../src/network/objects.ts";
import { isThere, ownOnly, plan, render, type Step, withSubnets } from "../../src/network/plan.ts";
import { profileOf, type Release, RELEASES } from "../../src/network/release.ts";
import { Taken } from "../../src/network/taken.ts";
import { instancesAt, leafAt, treeAt } from "../../src/network/tree.ts";
import { FakeVyos } from "../support/vyos.ts";
import { claimMap, drafting, handmade, SSH, wish } from "./samples.ts";

const SEQUENCES = Number(Deno.env.get("HOLDFAST_SEQUENCES") ?? 10_000);
const STEPS = 6;
const rules = ["nat", "destination", "rule"];
const reservations = [...subnetPath("LAB", "10.20.0.0/24"), "static-mapping"];

/** Numbers that follow from a seed (mulberry32), so that a failure can be repeated. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * below);
  };
}

/** A change under way, as the store has it. */
interface Pending {
  before: Machine[];
  after: Machine[];
  steps: Step[];
}

class Life {
  readonly #random: (below: number) => number;
  readonly #router: FakeVyos;
  readonly #release: Release;
  #machines: Machine[] = [];
  /** What people set up, by path, as it was. */
  readonly #foreign = new Map<string, string>();
  #names = 0;

  constructor(seed: number, release: Release) {
    this.#random = randomOf(seed);
    this.#release = release;
    this.#router = new FakeVyos({ release, config: handmade(release) });
    for (const path of [[...rules, "100"], [...reservations, "printer"]]) this.#remember(path);
  }

  live(): void {
    for (let i = 0; i < STEPS; i++) {
      const dice = this.#random(12);
      if (dice < 4) this.#change(() => this.#provision());
      else if (dice < 6) this.#change(() => this.#update());
      else if (dice < 8) this.#change(() => this.#switch());
      else if (dice < 9) this.#change(() => this.#decommission());
      else this.#edit();
      this.#check();
    }
    this.#repair();
    for (
      const kind of compare(this.#machines, this.#router.running, profileOf(this.#release)).map((one) =>
        one.kind
      )
    ) {
      assert.equal(kind, "collision", "repair leaves only what others put in the way");
    }
    for (const machine of [...this.#machines]) this.#commit({ before: [machine], after: [] }, "ok");
    assert.deepEqual(this.#machines, []);
    for (const [number, rule] of instancesAt(this.#router.running, rules)) {
      assert.equal(markerIn(leafAt(rule, ["description"])), undefined, `rule ${number} is left behind`);
    }
    this.#check();
  }

  /** One of the ways to do a change, and one of the ways for it to end. */
  #change(decide: () => { before: Machine[]; after: Machine[] } | undefined): void {
    const ends = ["ok", "ok", "ok", "died_before", "died_after", "lost_undone", "timer"] as const;
    try {
      const decision = decide();
      if (decision !== undefined) this.#commit(decision, ends[this.#random(ends.length)]!);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      assert.ok(["conflict", "exhausted"].includes(error.kind), error.message);
    }
  }

  #commit(
    { before, after }: Omit<Pending, "steps">,
    end: "ok" | "died_before" | "died_after" | "lost_undone" | "timer",
  ): void {
    const steps = this.#plan(before, after);
    const pending: Pending = { before, after, steps };
    const was = this.#router.running;
    if (end !== "died_before" && end !== "lost_undone") {
      assert.equal(this.#router.commit(render(steps)), undefined);
    }
    if (end === "timer") this.#router.running = was;
    const left = end !== "ok";
    if (left && this.#random(3) === 0) this.#edit();
    if (left) this.#settle(pending);
    else {
      this.#finish(pending);
      assert.deepEqual(this.#plan(after, after), [], "what was applied has nothing left to apply");
    }
  }

  #plan(before: readonly Machine[], after: readonly Machine[]): Step[] {
    const profile = profileOf(this.#release);
    const live = this.#router.running;
    const objects = (machines: readonly Machine[]) =>
      machines.flatMap((machine) => objectsOf(machine, profile));
    const own = ownOnly(objects(after), objects(before), live);
    return withSubnets(plan(own.wanted, live, own.unwanted), live, profile, () => false);
  }

  /** The next start. */
  #settle(pending: Pending): void {
    if (isThere(pending.steps, this.#router.running)) this.#finish(pending);
  }

  #finish({ before, after }: Pending): void {
    const gone = new Set(before.map(({ name }) => name));
    this.#machines = [...this.#machines.filter(({ name }) => !gone.has(name)), ...after];
  }

  #drafting(machine?: Machine): Drafting {
    const live = this.#router.running;
    const own = new Set(
      machine === undefined
        ? []
        : objectsOf(machine, profileOf(this.#release)).map(({ path }) => keyOf(path)),
    );
    const claims = claimMap(this.#machines.filter((one) => one.name !== machine?.name));
    for (const claim of machine === undefined ? [] : claimsOf(machine)) {
      if (/^(rule|port|source_rule):/.test(claim)) claims.set(claim, machine!.name);
    }
    return drafting(this.#release, live, [], { taken: new Taken(claims, live, [], own) });
  }

  #provision() {
    const name = `m${++this.#names}`;
    const number = this.#names.toString(16).padStart(2, "0");
    const mac = this.#random(4) === 0 ? null : `52:54:00:01:00:${number}`;
    const ports = ["ssh", "web", "dns"].slice(0, this.#random(4)).map((port, i) => ({
      ...SSH,
      name: port,
      internal_port: 22 + i,
    }));
    const request = wish({ name, mac, ports, hairpin: this.#random(5) === 0 });
    return { before: [], after: [draftMachine(request, this.#drafting())] };
  }

  #any(): Machine | undefined {
    return this.#machines[this.#random(Math.max(1, this.#machines.length))];
  }

  #update() {
    const machine = this.#any();
    if (machine === undefined) return undefined;
    const at = this.#drafting(machine);
    const what = this.#random(4);
    if (what === 0) {
      return {
        before: [machine],
        after: [withPorts(machine, [{ ...SSH, name: `p${this.#random(50)}` }], at)],
      };
    }
    const changes = what === 1
      ? { hairpin: machine.hairpin === null }
      : what === 2
      ? { host_name: `host${this.#random(20)}` }
      : { address: `10.20.0.${100 + this.#random(40)}` };
    return { before: [machine], after: [changeMachine(machine, changes, at)] };
  }

  #switch() {
    const machine = this.#any();
    if (machine === undefined) return undefined;
    const ports = machine.ports.flatMap((port, i) =>
      i > 0 && this.#random(3) === 0 ? [] : [{ ...port, enabled: this.#random(2) === 0 }]
    );
    return { before: [machine], after: [{ ...machine, ports }] };
  }

  #decommission() {
    const machine = this.#any();
    return machine === undefined ? undefined : { before: [machine], after: [] };
  }

  /** Somebody at the console: makes things of their own, changes or removes ours, puts theirs in the place of ours. */
  #edit(): void {
    const own = this.#machines.flatMap((machine) =>
      machine.ports.map((port) => [...rules, String(port.rule)])
    );
    const mine = own[this.#random(Math.max(1, own.length))];
    const there = mine !== undefined && treeAt(this.#router.running, mine) !== undefined &&
      !this.#foreign.has(keyOf(mine));
    const number = this.#random(2) === 0 ? 10_000 + this.#random(12) : 200 + this.#random(50);
    switch (this.#random(5)) {
      case 0:
        return this.#foreignRule([...rules, String(number)]);
      case 1:
        return this.#foreignReservation();
      case 2:
        if (there) this.#router.commit([{ op: "delete", path: mine }]);
        return;
      case 3:
        if (there) {
          this.#router.commit([{ op: "delete", path: mine }]);
          this.#foreignRule(mine);
        }
        return;
      default: {
        const [path, value] = [
          [["description"], "changed by hand"],
          [["translation", "port"], "99"],
          [["translation", "address"], "10.20.0.9"],
          [["disable"], ""],
        ][this.#random(4)] as [string[], string];
        if (there) this.#router.commit([{ op: "set", path: [...mine, ...path], value }]);
      }
    }
  }

  #foreignRule(path: string[]): void {
    if (treeAt(this.#router.running, path) !== undefined) return;
    const leaf = (name: string[], value: string) => ({ op: "set", path: [...path, ...name], value });
    const refused = this.#router.commit([
      leaf(["description"], "made by hand"),
      leaf(["protocol"], "tcp"),
      leaf(this.#release === "1.3" ? ["inbound-interface"] : ["inbound-interface", "name"], "eth0"),
      leaf(["destination", "port"], String(32_000 + this.#random(20))),
      leaf(["translation", "address"], `10.20.0.${60 + this.#random(30)}`),
    ]);
    assert.equal(refused, undefined);
    this.#remember(path);
  }

  #foreignReservation(): void {
    const path = [...reservations, `pc${this.#random(30)}`];
    if (treeAt(this.#router.running, path) !== undefined) return;
    const mac = profileOf(this.#release).macLeaf;
    const refused = this.#router.commit([
      { op: "set", path: [...path, mac], value: `52:54:00:02:00:${10 + this.#random(90)}` },
      { op: "set", path: [...path, "ip-address"], value: `10.20.0.${100 + this.#random(20)}` },
    ]);
    // A router that sees the address or MAC twice refuses it.
    if (refused === undefined) this.#remember(path);
  }

  #remember(path: readonly string[]): void {
    this.#foreign.set(keyOf(path), JSON.stringify(treeAt(this.#router.running, path)));
  }

  #repair(): void {
    const found = compare(this.#machines, this.#router.running, profileOf(this.#release));
    const steps = found.flatMap(({ step, kind }) => step === null || kind === "unknown" ? [] : [step]);
    const refused = this.#router.commit(render(steps));
    // Somebody gave our address or MAC away meanwhile: the router refuses, and a person has to decide.
    if (refused === undefined) return;
    assert.match(refused, /already exists/);
    for (const key of [...this.#foreign.keys()].filter((key) => key.includes("static-mapping"))) {
      this.#router.commit([{ op: "delete", path: key.split("\n") }]);
      this.#foreign.delete(key);
    }
    this.#repair();
  }

  /** Nothing is had twice, and what people made is untouched to the byte. */
  #check(): void {
    const claims = this.#machines.flatMap((machine) => claimsOf(machine));
    assert.equal(new Set(claims).size, claims.length, "something is had twice");
    for (const [key, text] of this.#foreign) {
      assert.equal(
        JSON.stringify(treeAt(this.#router.running, key.split("\n"))),
        text,
        key.replaceAll("\n", " "),
      );
    }
  }
}

Deno.test(`${SEQUENCES} random lives of a router: nothing twice, nothing lost, nothing foreign touched`, () => {
  for (let seed = 0; seed < SEQUENCES; seed++) {
    const release = RELEASES[seed % RELEASES.length]!;
    try {
      new Life(seed, release).live();
    } catch (error) {
      throw new Error(`life ${seed}, release ${release}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }
});
