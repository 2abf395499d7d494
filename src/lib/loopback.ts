/** Apart from the other judgements of addresses, because every command asks it and they load the network. */

/** True for an address only this host reaches. */
export function isLoopbackAddress(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  return bare === "localhost" || bare === "::1" || /^127(\.\d{1,3}){3}$/.test(bare);
}
