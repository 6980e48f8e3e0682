import { keyIdOfEmail, userEmail } from "@veil/protocols";
import { type Bytes, type Direction, NO_BYTES } from "@veil/traffic";
import { type Counter, type InboundUser, readVlessAccount } from "@veil/xray-grpc";
import { legacyEmails, type LegacyKey, matchOf } from "./legacy-key.ts";

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

/** The key that each e-mail of before belongs to. In lower case. */
export type EmailOwners = ReadonlyMap<string, number>;

const userCounter = /^user>>>(.+)>>>traffic>>>(uplink|downlink)$/s;

/** The values of Xray's counters under the e-mails of before, by key id. Two e-mails of one key are added up. */
export function legacyReadings(counters: readonly Counter[], owners: EmailOwners): Map<number, Bytes> {
  const readings = new Map<number, Bytes>();
  for (const { name, value } of counters) {
    const [, email = "", link] = userCounter.exec(name) ?? [];
    const keyId = owners.get(email.toLowerCase());
    if (keyId === undefined) continue;
    const direction: Direction = link === "uplink" ? "up" : "down";
    const before = readings.get(keyId) ?? NO_BYTES;
    readings.set(keyId, { ...before, [direction]: before[direction] + value });
  }
  return readings;
}
