/**
 * PagerDuty's Events API v2: https://developer.pagerduty.com/docs/events-api-v2-overview
 *
 * The alert is the incident's `dedup_key`: a finding triggers it, further ones join it, the recovery resolves it.
 */
import type { Item, Message } from "../message.ts";
import { type Channel, type ChannelOptions, needed, shorten } from "./channel.ts";
import { call, junk, recordOf } from "./http.ts";

const MAX_KEY = 255;

export function pagerdutyChannel(options: ChannelOptions): Channel {
  const { name, settings } = options;
  const routing_key = needed(options, "token", settings.token);
  const url = settings.url ?? "https://events.pagerduty.com/v2/enqueue";
  const enqueue = async (json: Record<string, unknown>, signal: AbortSignal) => {
    const answer = await call(options, {
      url,
      json: { routing_key, ...json },
      secrets: [routing_key],
      signal,
    });
    if (recordOf(answer.text)?.status !== "success") throw junk(options, answer, [routing_key]);
  };
  return {
    name,
    kind: "pagerduty",
    async send(message, signal) {
      for (const item of message.items) {
        const dedup_key = shorten(item.alert, MAX_KEY);
        if (item.kind === "recovered") {
          await enqueue({ event_action: "resolve", dedup_key }, signal);
          continue;
        }
        await enqueue({ event_action: "trigger", dedup_key, payload: payloadOf(item, message) }, signal);
        // A test must not wake anybody for longer than it takes.
        if (item.kind === "test") await enqueue({ event_action: "resolve", dedup_key }, signal);
      }
    },
  };
}

function payloadOf(item: Item, { title, text, instance }: Message): Record<string, unknown> {
  return {
    summary: shorten(title, 1024),
    source: item.subject.name,
    severity: item.severity,
    timestamp: item.at,
    component: item.subject.kind,
    class: item.code,
    group: instance,
    custom_details: { ...item.facts, message: shorten(text, 4000), key: item.key },
  };
}
