import { testRows } from "./matrix.ts";
import { notifyRows } from "./rows/notify.ts";

// Datagrams are sent whether or not somebody is there to take them.
testRows("notify", notifyRows, {
  HOLDFAST_NOTIFY_CHANNELS_LOG_KIND: "syslog",
  HOLDFAST_NOTIFY_CHANNELS_LOG_URL: "udp://127.0.0.1:9",
});
