import { type InboundUser, readVlessAccount } from "@veil/xray-grpc";
import { keyIdOfEmail, userEmail } from "@veil/protocols";
import { matchOf } from "./check-keys.ts";
import { type LegacyKey, legacyEmails } from "./legacy-key.ts";
import type { EmailOwners } from "./legacy-readings.ts";

/** A node's holding of one key. */
export interface NodeHolding {
  /** E-mails other than ours under which the key's UUID stands. Lower case. */
  readonly former: readonly string[];
  /** Whether the key stands under our e-mail. */
  readonly ours: boolean;
}

/**
 * Finds what a node holds of each key. A user belongs to a key by its UUID, whatever its e-mail: one UUID under two e-mails
 * is what may not stay. An account that can't be read is nobody's, unless it stands under our e-mail.
 */
export function holdings(users: readonly InboundUser[], keys: readonly LegacyKey[]): Map<number, NodeHolding> {
  const byUuid = new Map(keys.map((key) => [matchOf(key.uuid), key.id]));
  const found = new Map<number, { former: string[]; ours: boolean }>();
  for (const { email, account } of users) {
    const client = readVlessAccount(account);
    const owner = (client === null ? undefined : byUuid.get(matchOf(client.uuid))) ?? keyIdOfEmail(email);
    if (owner === null || email === "") continue;
    const holding = found.get(owner) ?? { former: [], ours: false };
    if (email === userEmail(owner)) holding.ours = true;
    else holding.former.push(email.toLowerCase());
    found.set(owner, holding);
  }
  return found;
}

/** Whose counters are whose, by the names that the first implementation gave. One that two keys could have is nobody's. */
export function ownersOf(keys: readonly LegacyKey[]): EmailOwners {
  const owners = new Map<string, number>();
  const shared = new Set<string>();
  for (const key of keys) {
    for (const email of legacyEmails(key)) {
      if (owners.has(email)) shared.add(email);
      owners.set(email, key.id);
    }
  }
  for (const email of shared) owners.delete(email);
  return owners;
}
