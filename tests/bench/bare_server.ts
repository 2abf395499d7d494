/**
 * What the API is measured against: a bare `Deno.serve` that answers a text, or one that reads it from SQLite first.
 * Arguments: `text` or `sqlite`, and the text. Prints its port.
 */
import { DatabaseSync } from "node:sqlite";

const [mode = "text", body = "{}"] = Deno.args;
const headers = { "content-type": "application/json" };

function textHandler(): Deno.ServeHandler {
  return () => new Response(body, { headers });
}

function sqliteHandler(): Deno.ServeHandler {
  const db = new DatabaseSync(":memory:");
  const fields = Object.entries(JSON.parse(body)).map(([name, value]) =>
    [name, JSON.stringify(value)] as const
  );
  db.exec(`create table record (${fields.map(([name]) => `"${name}" text`).join(", ")})`);
  db.prepare(`insert into record values (${fields.map(() => "?").join(", ")})`).run(
    ...fields.map(([, value]) => value),
  );
  const read = db.prepare("select * from record where id = ?");
  const id = JSON.stringify(JSON.parse(body).id);
  return () => new Response(JSON.stringify(read.all(id)[0]), { headers });
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(port),
}, mode === "sqlite" ? sqliteHandler() : textHandler());
