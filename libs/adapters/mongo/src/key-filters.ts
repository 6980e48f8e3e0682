import { DEFAULT_GROUPS, groupsMeet, type KeyFilter, type KeyStatus } from "@veil/keys";
import type { mongo } from "mongoose";
import { visibleFilter } from "./documents.ts";
import type { KeyDocument } from "./key-codecs.ts";

type Condition = mongo.Filter<KeyDocument>;

/**
 * Matches the documents of keys that callers may see and that fit. The domain says what each condition means for
 * records: `statusOf` for one.
 *
 * @param now milliseconds since the epoch
 */
export function keyFilter(filter: KeyFilter, now: number): Condition {
  const { status, tag, group, name, expiresBefore, expiresAfter, owner, keyIds, exceptKeyIds } = filter;
  const conditions: Condition[] = [];
  if (owner !== undefined) conditions.push({ owner });
  if (status !== undefined) conditions.push(...statusConditions(status, Math.floor(now / 1_000)));
  if (tag !== undefined) conditions.push({ "terms.tag": tag });
  if (group !== undefined) conditions.push(inSomeGroup([group]));
  if (name !== undefined) {
    conditions.push({ $or: [{ name, "terms.name": { $exists: false } }, { "terms.name": name }] });
  }
  if (expiresBefore !== undefined) conditions.push(expires({ $lt: expiresBefore }, Math.floor(now / 1_000)));
  if (expiresAfter !== undefined) conditions.push(expires({ $gt: expiresAfter }, Math.floor(now / 1_000)));
  if (keyIds !== undefined) conditions.push({ key_id: { $in: [...keyIds] } });
  if (exceptKeyIds !== undefined) conditions.push({ key_id: { $nin: [...exceptKeyIds] } });
  return conditions.length === 0 ? visibleFilter : { ...visibleFilter, $and: conditions };
}

/** Matches keys in one of these groups at least. One without terms of its own is in the default group. */
export function inSomeGroup(groups: readonly string[]): Condition {
  const named: Condition = { "terms.groups": { $in: [...groups] } };
  return groupsMeet(groups, DEFAULT_GROUPS) ? { $or: [{ terms: { $exists: false } }, named] } : named;
}

/** A hold that is over by time has begun the key's term, whether or not anybody has stored it. */
function expires(when: mongo.Condition<number | null>, at: number): Condition {
  return { $or: [{ "terms.expires_at": when }, { "terms.hold_until": { $lte: at }, "terms.ends_at": when }] };
}

/** Matches the documents of keys that the nodes of their groups should hold; what `isWanted` of the domain says of their records. */
export function wantedFilter(now: number): Condition {
  const at = Math.floor(now / 1_000);
  return { ...visibleFilter, $and: [isEnabled, hasNotEnded(at), isNotLimited(at)] };
}

const isEnabled: Condition = { "terms.enabled": { $ne: false } };

function statusConditions(status: KeyStatus, at: number): Condition[] {
  switch (status) {
    case "disabled":
      return [{ "terms.enabled": false }];
    case "expired":
      return [isEnabled, { "terms.ends_at": { $lte: at } }];
    case "limited":
      return [isEnabled, hasNotEnded(at), { "terms.limited_at": { $gt: 0 } }, noResetIsDue(at)];
    case "on_hold":
      return [isEnabled, hasNotEnded(at), isNotLimited(at), isOnHold(at)];
    case "active":
      return [isEnabled, hasNotEnded(at), isNotLimited(at), { $nor: [isOnHold(at)] }];
  }
}

function hasNotEnded(at: number): Condition {
  return { "terms.ends_at": { $not: { $lte: at } } };
}

function noResetIsDue(at: number): Condition {
  return { "terms.next_reset_at": { $not: { $lte: at } } };
}

function isNotLimited(at: number): Condition {
  return { $or: [{ "terms.limited_at": null }, { "terms.next_reset_at": { $lte: at } }] };
}

function isOnHold(at: number): Condition {
  return { "terms.hold_for": { $gt: 0 }, "terms.hold_until": { $not: { $lte: at } } };
}
