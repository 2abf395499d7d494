/**
 * VyOS routers, driven safely: machines behind a router, their addresses, reservations and forwards.
 *
 * The store says what a router should have: *machines* (`network_machines`), each with an address, perhaps a reservation of the
 * DHCP server, perhaps reflection, and forwards (a port outside that leads to a port inside). Addresses and ports are drawn
 * from *pools* (`network_pools`); whatever only one machine can have is a *claim* (`network_claims`), and what stands on the
 * router by other hands counts as taken. A machine becomes *objects* in the words of the router's release (`objects.ts`).
 *
 * Nothing is sent that was not planned: `plan()` compares objects with the live configuration and gives *steps*, each a
 * node before and after; `render()` makes commands of them; a step turned around is the way back. A plan is one *change*
 * (`network_changes`) and one commit: `applying` before the router is called, then `applied` when the router shows it, and
 * `saved` when it is on the router's disk; or `failed`, with the router as it was. A change that a crash or a lost answer
 * left `applying` is settled by what the router shows, before anything else is sent to it.
 *
 * Rules carry a marker at the end of their description. What carries none, and is of no machine, is foreign: it is looked
 * at, never touched, unless a person adopts it. Drift is a plan nobody asked for.
 */
export { configEngine } from "./engine.ts";
export { isVyos } from "./envelope.ts";
export { type Profile, profileOf, type Release, RELEASES } from "./release.ts";
export { Network, type NetworkOptions, type RouterHealth } from "./network.ts";
export type { NetworkTables } from "./queries.ts";
export type { NetworkApp } from "./shared.ts";
