import {
  endOfHold,
  firstTerms,
  type KeyStep,
  type KeyTerms,
  type KeyVersion,
  type Noticed,
  UNKNOWN_NOTICED,
} from "@veil/keys";
import type { KeyDocument, TermsDocument } from "./key-codecs.ts";
import { type StepDocument, toStepDocument } from "./step-documents.ts";

/** The version with which a key begins: any change of it comes later. */
const FIRST_FENCE = 0;

/** The terms of a key's document. */
export function termsOf({ terms, created_at: createdAt }: Pick<KeyDocument, "terms" | "created_at">): KeyTerms {
  if (terms === undefined) {
    return { ...firstTerms({}, { createdAt, nextResetAt: null }), noticed: UNKNOWN_NOTICED };
  }
  return {
    revision: terms.revision,
    enabled: terms.enabled,
    expiresAt: terms.expires_at,
    trafficLimit: terms.traffic_limit,
    trafficReset: terms.traffic_reset,
    nextResetAt: terms.next_reset_at,
    resetAnchor: terms.reset_anchor,
    usedFrom: terms.used_from,
    limitedAt: terms.limited_at,
    isExpiryCounted: terms.is_expiry_counted,
    holdFor: terms.hold_for,
    holdUntil: terms.hold_until,
    holdFrom: terms.hold_from,
    externalId: terms.external_id,
    tag: terms.tag,
    note: terms.note,
    groups: terms.groups,
    deviceLimit: terms.device_limit,
    deviceEpoch: terms.device_epoch,
    noticed: noticedOf(terms.noticed),
  };
}

/** The stored form of the terms with which a key begins; undefined when an absent entry means the same. */
export function firstTermsDocument(
  terms: KeyTerms,
  outbox: readonly KeyStep[],
  createdAt: number,
): TermsDocument | undefined {
  const unlimited = { ...firstTerms({}, { createdAt, nextResetAt: null }), noticed: UNKNOWN_NOTICED };
  const isPlain = JSON.stringify(toDocument(terms)) === JSON.stringify(toDocument(unlimited));
  if (isPlain && outbox.length === 0) return undefined;
  return Object.assign(
    { revision: terms.revision, fence: FIRST_FENCE, changed_by: [] },
    toDocument(terms),
    outboxOf(outbox),
  );
}

/**
 * The stored form of a version. The order of its first fields decides which of two is the later one.
 *
 * Put together by `Object.assign`: a spread of so many fields behind others takes ten times as long.
 */
export function versionDocument(version: KeyVersion): TermsDocument {
  const { fence, uuid, name, token, terms, changedBy, changedAt, outbox } = version;
  const first = { revision: terms.revision, fence, uuid, name, token, changed_by: [...changedBy] };
  return Object.assign(first, toDocument(terms), { changed_at: [...changedAt] }, outboxOf(outbox));
}

function outboxOf(steps: readonly KeyStep[]): { outbox?: StepDocument[] } {
  return steps.length === 0 ? {} : { outbox: steps.map(toStepDocument) };
}

function toDocument(
  terms: KeyTerms,
): Omit<TermsDocument, "revision" | "fence" | "uuid" | "name" | "token" | "changed_by" | "changed_at" | "outbox"> {
  return {
    enabled: terms.enabled,
    expires_at: terms.expiresAt,
    ends_at: endOf(terms),
    traffic_limit: terms.trafficLimit,
    traffic_reset: terms.trafficReset,
    next_reset_at: terms.nextResetAt,
    reset_anchor: terms.resetAnchor,
    used_from: terms.usedFrom,
    limited_at: terms.limitedAt,
    is_expiry_counted: terms.isExpiryCounted,
    hold_for: terms.holdFor,
    hold_until: terms.holdUntil,
    hold_from: terms.holdFrom,
    external_id: terms.externalId,
    tag: terms.tag,
    note: terms.note,
    groups: [...terms.groups],
    device_limit: terms.deviceLimit,
    device_epoch: terms.deviceEpoch,
    noticed: {
      is_connected: terms.noticed.isConnected,
      thresholds: [...terms.noticed.thresholds],
      hours: [...terms.noticed.hours],
    },
  };
}

function noticedOf(noticed: TermsDocument["noticed"]): Noticed {
  if (noticed === undefined) return UNKNOWN_NOTICED;
  return { isConnected: noticed.is_connected, thresholds: noticed.thresholds, hours: noticed.hours };
}

function endOf({ expiresAt, holdFor, holdUntil }: KeyTerms): number | null {
  if (holdFor === null) return expiresAt;
  return holdUntil === null ? null : endOfHold(holdUntil, holdFor);
}
