/** A large CloudConnexa tenant without limits, on a free port of loopback, which it prints. */
import { systemClock } from "../../src/lib/clock.ts";
import { GENEROUS } from "../support/cloudconnexa_limits.ts";
import { large } from "../vpn/large.ts";

const tenant = large(systemClock, GENEROUS);
// One answer, made once: what is measured is the client.
const page = JSON.stringify({
  content: Array.from(
    { length: 10 },
    (_, i) => ({ id: `network-${i}`, name: `network ${i}`, egress: false }),
  ),
  totalElements: 10,
  totalPages: 1,
  numberOfElements: 10,
  page: 0,
  size: 10,
});
Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) =>
      console.log(`http://127.0.0.1:${port} ${tenant.door.clientId} ${tenant.door.clientSecret}`),
  },
  (request) =>
    request.url.endsWith("/api/v1/networks?page=0&size=10")
      ? new Response(page, { headers: { "content-type": "application/json" } })
      : tenant.answer(request),
);
