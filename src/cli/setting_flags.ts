/** Every setting is a flag too. */
import type { ConfigLeaf } from "../config/mod.ts";

/** A setting as a flag of the command line. */
export interface SettingFlag {
  key: string;
  flag: string;
  /** What its value is called in help; null for a switch. */
  value: string | null;
  description: string;
}

/** Settings as flags of the command line; those with a name inside have none. */
export function flagsOf(leaves: readonly ConfigLeaf[]): SettingFlag[] {
  return leaves.filter((leaf) => !leaf.path.includes("*")).map((leaf) => ({
    key: leaf.path,
    flag: leaf.flag,
    value: valueOf(leaf),
    description: leaf.description,
  }));
}

/** Those of every setting there is. */
export async function allFlags(): Promise<SettingFlag[]> {
  const { configLeaves } = await import("../config/mod.ts");
  return flagsOf(configLeaves());
}

function valueOf({ type, path }: { type: string; path: string }): string | null {
  if (type === "boolean") return null;
  return path.endsWith("_dir") ? "directory" : type.split(" ")[0]!;
}
