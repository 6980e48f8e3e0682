import { isOfSameWrite, writeOf } from "@veil/idempotency";
import { dueOf, type HandledKey, isInService, isVisible, isWanted, isWantedOn } from "@veil/keys";
import { keyIdOfEmail, userEmail } from "@veil/protocols";
import { type AskedChange, FAR_S } from "./key-changes.ts";
import type { System } from "./system.ts";

type Report = (what: string, detail: string) => void;

/** How late what is due may be carried out while nothing is wrong. */
const LATE_MS = 4_000;
/** Until then what a fault has done may last. */
const AFTERMATH_MS = 25_000;

/** Watches what must hold of keys' terms at every moment. */
export class TermsWatch {
  readonly #revisions = new Map<number, number>();
  /** When a key went out of service. */
  readonly #endedAt = new Map<number, { readonly at: number }>();

  look(system: System): void {
    const { world, mongo } = system;
    for (const keyId of mongo.keys.keys()) {
      const key = mongo.find(keyId);
      if (key === null || !isVisible(key)) continue;
      const { revision } = key.terms;
      if (revision < (this.#revisions.get(keyId) ?? 0)) system.violated("a revision fell", `key ${keyId}`);
      this.#revisions.set(keyId, revision);
      if (isWanted(key, world.now)) this.#endedAt.delete(keyId);
      else this.#mustGo(key, system);
    }
  }

  #mustGo({ keyId, terms, indeterminate }: HandledKey, { world, xrays, violated }: System): void {
    const ended = this.#endedAt.get(keyId) ?? { at: world.now };
    this.#endedAt.set(keyId, ended);
    // Where a mark stands, it is put in for a moment, to force the node to converge.
    const isExpired = terms.enabled && terms.limitedAt === null && indeterminate.length === 0;
    const isLate = world.now > ended.at + LATE_MS && world.isQuick;
    const isCalm = world.isCalm && world.lastFaultAt + AFTERMATH_MS < ended.at;
    if (!isExpired || !isLate || !isCalm) return;
    const still = xrays.filter(({ inbound }) => [...(inbound?.byUuid.values() ?? [])].includes(userEmail(keyId)));
    if (still.length > 0) violated("works long after its term", `key ${keyId}`);
  }
}

/** Checks what must hold of keys' terms once everything has come to rest. */
export function checkTerms(system: System, asked: readonly AskedChange[], report: Report): void {
  const { mongo, world, redis, xrays, fleet } = system;
  const all = [...mongo.keys.keys()].map((keyId) => mongo.find(keyId)).filter((key) => key !== null);
  const visible = all.filter(isVisible);
  const byId = new Map(visible.map((key) => [key.keyId, key]));
  for (const { blocked, name } of xrays) {
    for (const email of blocked) {
      const key = byId.get(keyIdOfEmail(email) ?? 0);
      if (key !== undefined && isWantedOn(key, { groups: fleet.groupsOf(name) }, world.now))
        report("active key is blocked", `${name} ${email}`);
    }
  }
  if (redis.due.complete === null) report("the index of due keys is not made anew", "");
  const owners = new Map<string, number>();
  for (const { keyId, changedBy, terms } of visible) {
    if (new Set(changedBy.map(writeOf)).size < changedBy.length) report("a change was made twice", `key ${keyId}`);
    const due = dueOf(terms, world.now);
    const isMissed =
      (due.at !== null && !((redis.due.moments.get(String(keyId)) ?? Number.POSITIVE_INFINITY) <= due.at)) ||
      (due.traffic !== null && !((redis.due.amounts.get(String(keyId)) ?? Number.POSITIVE_INFINITY) <= due.traffic));
    if (isMissed) report("a key is not looked at when it is due", `key ${keyId}`);
    const used = (mongo.lifetimes.get(keyId) ?? 0) - terms.usedFrom.download - terms.usedFrom.upload;
    const isUsedUp = terms.trafficLimit !== null && terms.limitedAt === null && used >= terms.trafficLimit;
    if (isUsedUp && isInService(terms, world.now)) {
      report("a limit is reached and the key in service", `key ${keyId}`);
    }
    checkExtensions(keyId, terms.expiresAt, changedBy, asked, report);
    const { externalId } = terms;
    if (externalId === null) continue;
    if (owners.has(externalId)) report("two keys have one external id", externalId);
    owners.set(externalId, keyId);
    const found = mongo.externalIds.get(externalId)?.keyIds.find((id) => byId.get(id)?.terms.externalId === externalId);
    if (found !== keyId) report("a key is not found by its external id", `key ${keyId}`);
  }
  for (const { job, answers } of asked) {
    for (const answer of answers) {
      if (answer.status !== 200 || !answer.isChanged) continue;
      const key = byId.get(answer.key.keyId);
      if (key !== undefined && !knows(key, job)) report("a change that was answered 200 is lost", job);
    }
  }
}

/** Whether a key has the change of a job, or of another attempt of its write. */
function knows({ changedBy }: { readonly changedBy: readonly string[] }, job: string): boolean {
  return changedBy.some((other) => isOfSameWrite(other, job));
}

/** Of a key whose term is so far away that nothing else moves it. */
function checkExtensions(
  keyId: number,
  expiresAt: number | null,
  changedBy: readonly string[],
  asked: readonly AskedChange[],
  report: Report,
): void {
  const begun = expiresAt === null ? 0 : expiresAt - 1_700_000_000;
  if (begun < FAR_S) return;
  const extensions = asked.filter(({ job }) => knows({ changedBy }, job));
  const sum = extensions.reduce((total, { change }) => total + (change.extendSeconds ?? 0), 0);
  const first = begun - sum;
  if (first < FAR_S || first > FAR_S + 60) report("extensions are not counted once each", `key ${keyId}`);
}
