import { type DesiredUser, type KeyStore, type NodeUser, tryRead } from "@veil/keys";
import { type Account, protocolOf } from "@veil/protocols";
import pLimit from "p-limit";
import type { ActualUser } from "./diff-users.ts";

/** So many strays are cleared away without a question. */
const MOST_UNKNOWN = 50;
const MOST_UNKNOWN_SHARE = 0.5;

/**
 * Whether so many of our users are none of the database's that it is rather wrong than they: another one, an empty one, one
 * from an old backup. Such a user has no record, or one of a key that never had the user's secret: ids begin at 1 everywhere. Others
 * never count, however many of them are unwanted or revoked at once.
 *
 * @param ours how many users of ours there are @param unknown how many of them are none of the database's
 */
export function isDatabaseSuspect(ours: number, unknown: number): boolean {
  return unknown > MOST_UNKNOWN && unknown > ours * MOST_UNKNOWN_SHARE;
}

const FLOWS = ["", "xtls-rprx-vision"] as const;
const LOOKED_UP_AT_ONCE = 512;

/** Picks the users that are there with a wrong account that lets somebody else in. */
export function withOtherSecrets(actual: readonly ActualUser[], wrong: readonly DesiredUser[]): number[] {
  const wanted = new Map(wrong.map((user) => [user.keyId, user]));
  return actual.flatMap(({ keyId, account }) => {
    const want = keyId === null ? undefined : wanted.get(keyId);
    return want !== undefined && account !== null && !isSecretOf(want, account) ? want.keyId : [];
  });
}

/** Whether an account lets a key's client in, however its inbound is to treat it. */
function isSecretOf(want: NodeUser, account: Account): boolean {
  const protocol = protocolOf(account);
  return FLOWS.some((flow) => protocol.isSameAccount(account, protocol.accountOf({ uuid: want.uuid, flow })));
}

/**
 * Those of the keys that never had another secret than now: where a node has one, it is of another installation's key, or newer than
 * the database.
 *
 * @throws {StoreUnavailableError}
 */
export async function neverRevoked(keyIds: readonly number[], store: Pick<KeyStore, "find">): Promise<number[]> {
  const limit = pLimit(LOOKED_UP_AT_ONCE);
  const keys = await Promise.all(keyIds.map((keyId) => limit(() => tryRead(() => store.find(keyId)))));
  return keys
    .filter((key) => key !== null && key !== "unreadable")
    .filter(({ isRevoked }) => isRevoked !== true)
    .map(({ keyId }) => keyId);
}
