/**
 * Programs the full test run compares itself with or talks to. On Debian as root they are installed;
 * elsewhere what is absent is named, and the tests that need it say that they were skipped.
 */

/** Debian packages of the full run. A name stands here only when a test would be skipped without it. */
export const TEST_PACKAGES: readonly string[] = [
  "age",
  "mariadb-server",
  "openssl",
  "postgresql",
  "prometheus",
  "restic",
  "swift",
  "swift-account",
  "swift-container",
  "swift-object",
  "swift-proxy",
  "tar",
  "zstd",
];

/** Installs what is absent where that is possible and returns the names that stay absent. */
export async function ensurePackages(names: readonly string[]): Promise<{ missing: string[] }> {
  const absent = await absentOf(names);
  if (absent.length === 0) return { missing: [] };
  const obstacle = await whyNotInstallable();
  if (obstacle !== undefined) {
    for (const name of absent) {
      console.log(`skipped: what needs ${name}: ${obstacle}: install the package ${name}`);
    }
    return { missing: absent };
  }
  console.log(`Installing ${absent.join(", ")}`);
  await aptGet("update");
  await aptGet("install", "--yes", "--no-install-recommends", ...absent);
  const missing = await absentOf(absent);
  for (const name of missing) {
    console.log(`skipped: what needs ${name}: apt-get could not install it: run apt-get install ${name}`);
  }
  return { missing };
}

async function absentOf(names: readonly string[]): Promise<string[]> {
  const present = await Promise.all(names.map(isPresent));
  return names.filter((_, index) => !present[index]);
}

/** A package is there when dpkg says so, or when a program of its name is (systems without dpkg). */
async function isPresent(name: string): Promise<boolean> {
  const status = await output("dpkg-query", "--show", "--showformat=${Status}", name);
  return status?.endsWith(" installed") === true || await output("which", name) !== undefined;
}

async function whyNotInstallable(): Promise<string | undefined> {
  if (await output("apt-get", "--version") === undefined) return "there is no apt-get here";
  if (Deno.uid() !== 0) return "only root may install packages";
}

/** A failure is not thrown: what could not be installed is found by looking again. */
async function aptGet(...args: string[]): Promise<void> {
  const child = new Deno.Command("apt-get", {
    // Another program may be installing something right now.
    args: ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
  }).spawn();
  await child.status;
}

async function output(command: string, ...args: string[]): Promise<string | undefined> {
  try {
    const result = await new Deno.Command(command, { args, stdin: "null", stderr: "null" }).output();
    return result.success ? new TextDecoder().decode(result.stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
