/** System users, and what file modes let them do. */

/** A user of this host. */
export interface Account {
  name: string;
  uid: number;
  /** Its own group first. */
  gids: number[];
}

/** The user of that name in `/etc/passwd` and `/etc/group` texts, or undefined. */
export function findAccount(name: string, passwd: string, group: string): Account | undefined {
  const row = lines(passwd).find((fields) => fields[0] === name);
  if (row === undefined) return undefined;
  const others = lines(group).filter((fields) => (fields[3] ?? "").split(",").includes(name));
  return {
    name,
    uid: Number(row[2]),
    gids: [Number(row[3]), ...others.map((fields) => Number(fields[2]))],
  };
}

function lines(text: string): string[][] {
  return text.split("\n").map((line) => line.split(":"));
}

/** What decides about access to a file. */
export interface Modes {
  mode: number | null;
  uid: number | null;
  gid: number | null;
}

/** True when the mode lets the user do what `bits` say: 4 read, 2 write, 1 enter. Access lists are not looked at. */
export function modeAllows(file: Modes, account: Account, bits: number): boolean {
  if (file.mode === null) return true;
  const shift = file.uid === account.uid ? 6 : account.gids.includes(file.gid ?? -1) ? 3 : 0;
  return ((file.mode >> shift) & bits) === bits;
}
