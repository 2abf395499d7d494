/**
 * The hash chain over audit lines and schedule outcomes.
 *
 * A link is appended in the transaction that writes the row it stands for. It holds the SHA-256 of the row's
 * content and of the link before, so a row that is altered, added or removed later no longer fits. What the chain
 * cannot show alone is a rewrite of everything after a point by somebody who owns the file: keep `head` elsewhere
 * (print it, mail it) to see that too.
 *
 * Old days are pruned: their links are replaced by one `summary` link, appended like any other, which names
 * the range it stands for, the hash before it and the hash at its end, so the chain still closes over the gap.
 */
import { createHash } from "node:crypto";
import type { Kysely, Transaction } from "kysely";
import { iso } from "../lib/clock.ts";
import { prepared } from "./statement.ts";
import { tablesOf } from "./tables.ts";

/** Kinds of rows that are chained. */
export type ChainKind = "audit" | "outcome" | "summary";

/** One link. */
export interface ChainLink {
  seq: number;
  at: string;
  kind: ChainKind;
  /** Key of the row in its own table, as text. */
  ref: string;
  /** SHA-256 of the row's content, lower-case hex. */
  digest: string;
  prev_hash: string;
  hash: string;
}

/** What a summary stands for. */
export interface ChainSummary {
  seq: number;
  first_seq: number;
  last_seq: number;
  /** Hash of the link before `first_seq`. */
  prev_hash: string;
  /** Hash of the link `last_seq`. */
  last_hash: string;
  /** Facts about what was removed, as JSON; covered by the summary link's digest. */
  content: string;
}

/** Tables of the chain. */
export interface ChainTables {
  chain: ChainLink;
  chain_summaries: ChainSummary;
}

/** `prev_hash` of the first link ever. */
export const CHAIN_START = "0".repeat(64);

/** Lower-case hex SHA-256 of values in a fixed order. */
export function digestOf(values: readonly (string | number | null)[]): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex");
}

/** Hash of a link; everything but the hash itself goes in. */
export function hashOf(link: Omit<ChainLink, "hash">): string {
  return digestOf([link.seq, link.at, link.kind, link.ref, link.digest, link.prev_hash]);
}

/** What to append: the row's kind, key and digest. */
export interface ChainEntry {
  kind: ChainKind;
  ref: string;
  digest: string;
}

/** Appends links in the caller's transaction; returns the last sequence number. `now` in milliseconds. */
export async function appendChain(
  tx: Transaction<unknown>,
  entries: readonly ChainEntry[],
  now: number,
): Promise<number> {
  const db = tablesOf<ChainTables>(tx);
  const [head] = (await newestLink(db, {})).rows;
  let [seq, prev] = [head?.seq ?? 0, head?.hash ?? CHAIN_START];
  const at = iso(now);
  const links = entries.map((entry) => {
    const open = { seq: ++seq, at, kind: entry.kind, ref: entry.ref, digest: entry.digest, prev_hash: prev };
    const hash = hashOf(open);
    prev = hash;
    return { ...open, hash };
  });
  if (links.length === 1) await insertLink(db, links[0]!);
  else {
    for (let i = 0; i < links.length; i += INSERT_ROWS) {
      await db.insertInto("chain").values(links.slice(i, i + INSERT_ROWS)).execute();
    }
  }
  return seq;
}

const newestLink = prepared<ChainTables, Pick<ChainLink, "seq" | "hash">, object>((db) =>
  db.selectFrom("chain").select(["seq", "hash"]).orderBy("seq", "desc").limit(1)
);

const insertLink = prepared<ChainTables, unknown, ChainLink>((db, link) =>
  db.insertInto("chain").values({
    seq: link.seq,
    at: link.at,
    kind: link.kind,
    ref: link.ref,
    digest: link.digest,
    prev_hash: link.prev_hash,
    hash: link.hash,
  })
);

/** Rows per insert: seven columns each, below SQLite's and PostgreSQL's limits on parameters. */
const INSERT_ROWS = 500;

/** One thing wrong with the chain. */
export interface ChainProblem {
  /** The link; 0 for a row without one. */
  seq: number;
  kind: ChainKind;
  ref: string;
  problem: string;
}

/** Outcome of a check. */
export interface ChainReport {
  ok: boolean;
  links: number;
  /** Hash of the newest link; keep it elsewhere to be able to prove that nothing was rewritten since. */
  head: string;
  pruned_links: number;
  problems: ChainProblem[];
}

/** For each kind: the digests of the rows with these keys as they are now; a key without row is absent. */
export type DigestReaders = Record<
  Exclude<ChainKind, "summary">,
  (refs: readonly string[]) => Promise<Map<string, string>>
>;

const PAGE = 1000;
const MAX_PROBLEMS = 100;

/** For each kind: keys of rows that nobody linked, which is what a row added by hand looks like; some of them do. */
export type StrayFinders = Partial<Record<Exclude<ChainKind, "summary">, () => Promise<readonly string[]>>>;

/**
 * Walks the whole chain and compares it with the rows it stands for. Reads only. While others write, give it a
 * transaction: a row that is linked anew between the walk and the comparison would look altered.
 */
export async function verifyChain(
  db: Kysely<ChainTables>,
  readers: DigestReaders,
  strays: StrayFinders = {},
): Promise<ChainReport> {
  const summaries = new Map<number, ChainSummary>();
  for (const row of await db.selectFrom("chain_summaries").selectAll().execute()) {
    summaries.set(row.first_seq, row);
  }
  const latest = new Map<string, { seq: number; kind: ChainKind; ref: string; digest: string }>();
  const problems: ChainProblem[] = [];
  const note = (link: { seq: number; kind: ChainKind; ref: string }, problem: string) => {
    if (problems.length < MAX_PROBLEMS) {
      problems.push({ seq: link.seq, kind: link.kind, ref: link.ref, problem });
    }
  };
  let [next, prev, links, pruned] = [1, CHAIN_START, 0, 0];
  const used: ChainSummary[] = [];
  for (let after = 0;;) {
    const page = await db.selectFrom("chain").selectAll().where("seq", ">", after).orderBy("seq").limit(PAGE)
      .execute();
    if (page.length === 0) break;
    await turn();
    for (const link of page) {
      while (link.seq > next) {
        const summary = summaries.get(next);
        if (summary === undefined) {
          note(link, `links ${next} to ${link.seq - 1} are missing`);
          [next, prev] = [link.seq, link.prev_hash];
          break;
        }
        if (summary.prev_hash !== prev) {
          note(
            link,
            `the summary of links ${summary.first_seq} to ${summary.last_seq} does not fit the link before`,
          );
        }
        used.push(summary);
        pruned += summary.last_seq - summary.first_seq + 1;
        [next, prev] = [summary.last_seq + 1, summary.last_hash];
      }
      if (link.prev_hash !== prev) note(link, "does not fit the link before");
      const { hash, ...open } = link;
      if (hashOf(open) !== hash) note(link, "the link itself was altered");
      [next, prev, links] = [link.seq + 1, hash, links + 1];
      latest.set(`${link.kind}:${link.ref}`, {
        seq: link.seq,
        kind: link.kind,
        ref: link.ref,
        digest: link.digest,
      });
      after = link.seq;
    }
  }
  for (const summary of used) {
    const link = latest.get(`summary:${summary.first_seq}-${summary.last_seq}`);
    if (link?.seq !== summary.seq || link.digest !== summaryDigest(summary)) {
      note(
        { seq: summary.seq, kind: "summary", ref: `${summary.first_seq}-${summary.last_seq}` },
        "the summary was altered or added",
      );
    }
  }
  for (const kind of ["audit", "outcome"] as const) {
    const wanted = [...latest.values()].filter((link) => link.kind === kind);
    for (let i = 0; i < wanted.length; i += PAGE) {
      const slice = wanted.slice(i, i + PAGE);
      await turn();
      const digests = await readers[kind](slice.map((link) => link.ref));
      for (const link of slice) {
        const digest = digests.get(link.ref);
        if (digest === undefined) note(link, "the row is gone");
        else if (digest !== link.digest) note(link, "the row was altered");
      }
    }
    for (const ref of await strays[kind]?.() ?? []) note({ seq: 0, kind, ref }, "the row has no link");
  }
  return { ok: problems.length === 0, links, head: prev, pruned_links: pruned, problems };
}

/** A turn of the event loop: SQLite answers at once, so a long chain would keep everything else waiting. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function summaryDigest(summary: Omit<ChainSummary, "seq">): string {
  return digestOf([
    summary.first_seq,
    summary.last_seq,
    summary.prev_hash,
    summary.last_hash,
    summary.content,
  ]);
}

/**
 * Replaces links up to and including `lastSeq` by one summary link. The caller removes the rows they stand for in
 * the same transaction and passes what must stay known of them as `content` (JSON). Summaries among them stay: they are
 * linked anew. Returns false when there is nothing to do, that is no link or only such summaries.
 */
export async function pruneChain(
  tx: Transaction<unknown>,
  lastSeq: number,
  content: string,
  now: number,
): Promise<boolean> {
  const db = tablesOf<ChainTables>(tx);
  const range = db.selectFrom("chain").where("seq", "<=", lastSeq);
  const first = await range.select(["seq", "prev_hash"]).orderBy("seq").limit(1).executeTakeFirst();
  const last = await range.select(["seq", "hash"]).orderBy("seq", "desc").limit(1).executeTakeFirst();
  const row = await range.select("seq").where("kind", "!=", "summary").limit(1).executeTakeFirst();
  if (first === undefined || last === undefined || row === undefined) return false;
  const kept = await range.select(["kind", "ref", "digest"]).where("kind", "=", "summary").orderBy("seq")
    .execute();
  const summary = {
    first_seq: first.seq,
    last_seq: last.seq,
    prev_hash: first.prev_hash,
    last_hash: last.hash,
    content,
  };
  await db.deleteFrom("chain").where("seq", "<=", lastSeq).execute();
  const ref = `${first.seq}-${last.seq}`;
  const seq = await appendChain(tx, [...kept, { kind: "summary", ref, digest: summaryDigest(summary) }], now);
  for (const [i, { ref }] of kept.entries()) {
    await db.updateTable("chain_summaries").set({ seq: seq - kept.length + i })
      .where("first_seq", "=", Number(ref.split("-")[0])).execute();
  }
  await db.insertInto("chain_summaries").values({ seq, ...summary }).execute();
  return true;
}
