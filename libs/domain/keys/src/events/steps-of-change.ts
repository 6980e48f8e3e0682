import { type Actor, SYSTEM } from "@veil/events";
import type { KeyTerms } from "../terms/key-terms.ts";
import type { KeyWas, StepEvent, UnnamedStep } from "./key-steps.ts";

/** A key before a change and after it, as far as events show it. */
export interface ChangedKey {
  readonly name: string | null;
  readonly terms: KeyTerms;
}

/** Acts of a caller's change that do not show in the version that it left. */
export interface CallersActs {
  readonly resetTraffic: boolean;
  readonly revoked: { readonly link: boolean; readonly credentials: boolean } | null;
}

/** Facts that the service keeps for itself, or that have events of their own. */
const UNREPORTED = new Set<keyof KeyTerms>([
  "revision",
  "enabled",
  "nextResetAt",
  "resetAnchor",
  "usedFrom",
  "limitedAt",
  "isExpiryCounted",
  "holdFrom",
  "noticed",
]);

/** The step of what became due by itself between two states of a key. @param at unix seconds */
export function dueStep(before: ChangedKey, after: ChangedKey, at: number): UnnamedStep {
  // Only a caller's reset leaves the moment of the next one where it was.
  const isReset = before.terms.nextResetAt !== after.terms.nextResetAt;
  const events = [
    ...(isUpdated(before, after) ? [{ type: "key.updated" } as const] : []),
    ...(isReset ? [{ type: "key.traffic_reset" } as const] : []),
    ...endings(before.terms, after.terms),
    ...notices(before.terms, after.terms),
  ];
  return { at, actor: SYSTEM, was: whatWas(before, after), events };
}

/** The step of a caller's change. @param at unix seconds */
export function callersStep(
  before: ChangedKey,
  after: ChangedKey,
  { resetTraffic, revoked }: CallersActs,
  { actor, at }: { readonly actor: Actor; readonly at: number },
): UnnamedStep {
  const isSwitched = before.terms.enabled !== after.terms.enabled;
  const events = [
    ...(isUpdated(before, after) ? [{ type: "key.updated" } as const] : []),
    ...(isSwitched ? [{ type: after.terms.enabled ? "key.enabled" : "key.disabled" } as const] : []),
    ...(resetTraffic ? [{ type: "key.traffic_reset" } as const] : []),
    ...(revoked === null ? [] : [{ type: "key.revoked", details: { ...revoked } } as const]),
    ...endings(before.terms, after.terms),
    ...notices(before.terms, after.terms),
  ];
  return { at, actor, was: whatWas(before, after), events };
}

/** Whether a name, a date, a limit or the like is another one. */
function isUpdated(before: ChangedKey, after: ChangedKey): boolean {
  return before.name !== after.name || differing(before.terms, after.terms).some((field) => !UNREPORTED.has(field));
}

/** Events that put a key out of service by themselves. */
function endings(before: KeyTerms, after: KeyTerms): Omit<StepEvent, "id">[] {
  return [
    ...(after.isExpiryCounted && !before.isExpiryCounted ? [{ type: "key.expired" } as const] : []),
    ...(after.limitedAt !== null && before.limitedAt === null ? [{ type: "key.limited" } as const] : []),
  ];
}

/** Events of the notices that the step gave. Before an end that was just set no notice was due. */
function notices(before: KeyTerms, after: KeyTerms): Omit<StepEvent, "id">[] {
  const isSameCount =
    JSON.stringify([before.trafficLimit, before.usedFrom]) === JSON.stringify([after.trafficLimit, after.usedFrom]);
  const known = isSameCount ? before.noticed.thresholds : [];
  const thresholds = after.noticed.thresholds.filter((each) => !known.includes(each));
  const isSameEnd = before.expiresAt === after.expiresAt;
  const hours = isSameEnd ? after.noticed.hours.filter((each) => !before.noticed.hours.includes(each)) : [];
  return [
    ...(after.noticed.isConnected && !before.noticed.isConnected ? [{ type: "key.first_connected" } as const] : []),
    ...thresholds.map((threshold) => ({ type: "key.usage_threshold", details: { threshold } }) as const),
    // Of several that were missed the last one is true.
    ...(hours.length > 0 ? [{ type: "key.expires_soon", details: { hours: Math.min(...hours) } } as const] : []),
  ];
}

function whatWas(before: ChangedKey, after: ChangedKey): KeyWas {
  const fields = differing(before.terms, after.terms)
    .filter((field) => field !== "noticed")
    .map((field) => [field, before.terms[field]] as const);
  return {
    ...(before.name !== after.name && { name: before.name }),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field has the value that it has in terms
    terms: Object.fromEntries(fields) as Partial<KeyTerms>,
  };
}

function differing(one: KeyTerms, other: KeyTerms): (keyof KeyTerms)[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- terms have no other fields
  const fields = Object.keys(one) as (keyof KeyTerms)[];
  return fields.filter(
    (field) => one[field] !== other[field] && JSON.stringify(one[field]) !== JSON.stringify(other[field]),
  );
}
