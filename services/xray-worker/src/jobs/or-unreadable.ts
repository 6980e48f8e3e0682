import type { NotApplied } from "@veil/job-contract";
import { tryRead } from "@veil/keys";

/**
 * The result of a change of one record. Where it makes no sense, or takes no change, each delivery would fail, and with it all others of
 * its job: whoever asks hears of it at once.
 *
 * @param what that which is changed
 */
export async function orUnreadable<Result>(
  what: "key" | "device list" | "token" | "webhook" | "list of nodes and hosts",
  change: () => Promise<Result>,
): Promise<Result | NotApplied> {
  const end = await tryRead(change);
  return end === "unreadable" ? { outcome: "failed", detail: `the ${what} can't be read or changed` } : end;
}

/** {@link orUnreadable} for changes of nodes and hosts, which lie in one record. */
export function orUnreadableFleet<Result>(change: () => Promise<Result>): Promise<Result | NotApplied> {
  return orUnreadable("list of nodes and hosts", change);
}
