import assert from "node:assert/strict";
import { dataDirOf } from "../../src/config/database_url.ts";
import { loadConfig } from "../../src/config/mod.ts";

Deno.test("DATABASE_URL of an SQLite file sets the data directory", async () => {
  assert.equal(dataDirOf("sqlite:////srv/monitor/app.db"), "/srv/monitor");
  assert.equal(dataDirOf("sqlite:///./data/app.sqlite3?timeout=5"), "./data");
  assert.equal(dataDirOf("sqlite:////srv/monitor"), "/srv/monitor");
  const { config } = await loadConfig({
    args: {},
    env: { DATABASE_URL: "sqlite:////srv/monitor/app.db" },
    cwd: "/",
    systemFile: "/none.yaml",
  });
  assert.equal(config.data_dir, "/srv/monitor");
});

Deno.test("other schemes of DATABASE_URL are refused with the reason, and no password is told", () => {
  for (
    const url of [
      "postgresql://ada:secret@db/app",
      "mysql://db/app",
      "sqlite://",
      "sqlite:///:memory:",
      "nonsense",
    ]
  ) {
    assert.throws(
      () => dataDirOf(url),
      (error: Error) => /must/.test(error.message) && !/secret/.test(error.message),
    );
  }
});
