import { type DesiredUser, desiredUserOf, type GroupedNode, isWantedOn, type KeyStore, tryRead } from "@veil/keys";
import pLimit from "p-limit";
import type { Drift } from "./diff-users.ts";

/** A drift that was looked up key by key. */
export interface ConfirmedDrift extends Drift {
  /** Those of the orphans of whose keys there is no record at all. */
  readonly unknown: readonly number[];
}

/** The store finds what is asked for at once together. */
const LOOKED_UP_AT_ONCE = 512;

/**
 * A drift as the records of its keys have it, which are read after the node was looked at: what it was compared with may be
 * some seconds old, and keys are made and deleted all the time. Of a key whose record makes no sense the node keeps what it has.
 *
 * @param now milliseconds since the epoch
 * @throws {StoreUnavailableError}
 */
export async function confirmDrift(
  node: GroupedNode,
  drift: Drift,
  store: Pick<KeyStore, "find">,
  now: number,
): Promise<ConfirmedDrift> {
  const limit = pLimit(LOOKED_UP_AT_ONCE);
  const wanted = async (users: readonly DesiredUser[]): Promise<DesiredUser[]> => {
    const keys = await Promise.all(users.map(({ keyId }) => limit(() => tryRead(() => store.find(keyId)))));
    return keys
      .filter((key) => key !== null && key !== "unreadable")
      .filter((key) => isWantedOn(key, node, now))
      .map(desiredUserOf);
  };
  const [missing, wrong, indeterminate, orphans] = await Promise.all([
    wanted(drift.missing),
    wanted(drift.wrong),
    wanted(drift.indeterminate),
    Promise.all(
      drift.orphans.map(async (keyId) => ({ keyId, key: await limit(() => tryRead(() => store.find(keyId))) })),
    ),
  ]);
  const unwanted = orphans.filter(({ key }) => key === null || (key !== "unreadable" && !isWantedOn(key, node, now)));
  return {
    missing,
    wrong,
    indeterminate,
    orphans: unwanted.map(({ keyId }) => keyId),
    unknown: unwanted.filter(({ key }) => key === null).map(({ keyId }) => keyId),
  };
}
