import { keyIdOfEmail } from "@veil/protocols";
import { groupsMeet, type HandledKey, isWanted } from "@veil/keys";
import { checkEvents, checkLogAlways } from "./event-checks.ts";
import type { Errand, Requests } from "./requests.ts";
import { type KeyDocument, toHandledKey } from "./simulated-mongo.ts";
import { flowOf, type Inbound, uuidOf } from "./simulated-xray.ts";
import { checkTerms } from "./terms-checks.ts";
import { addedUnmanaged, configuredUnmanaged, type System } from "./system.ts";

/** Whether a key should be in the nodes of its groups. */
function isWantedNow(key: KeyDocument, { world }: System): boolean {
  return isWanted(toHandledKey(key), world.now);
}

type Report = (what: string, detail: string) => void;

/** Checks all that must hold at every moment. */
export function checkAlways(system: System, requests: Requests): void {
  checkLogAlways(system);
  for (const { id, answer, replica } of requests.errands) {
    if (answer?.status === "error" && replica?.shows(`create-${id}`)) {
      system.violated("refused key is shown to its caller", id);
    }
  }
  for (const xray of system.xrays) {
    for (const [uuid, email] of xray.inbound?.byUuid ?? []) {
      if (xray.inbound?.byEmail.has(email) || xray.isBusyWith(email)) continue;
      const key = system.mongo.keys.get(keyIdOfEmail(email) ?? 0);
      if (key !== undefined && toHandledKey(key).uuid === uuid && isOver(key, xray.name, system)) {
        system.violated("orphan, unlisted and unremovable", `${xray.name} ${email}`);
      }
    }
  }
}

/** Nobody is at the key any more, and nobody will come to it for its own sake. */
function isOver(key: KeyDocument, node: string, { redis, queue }: System): boolean {
  const { keyId, phase, indeterminate, hands, job } = key;
  const isLetGo = hands.size === 0 && !redis.isLeased(keyId) && !queue.isAtWork(job);
  return phase === "gone" && !indeterminate.has(node) && isLetGo;
}

/** Checks all that must hold once the faults are over and everything has come to rest. */
export function checkAll(system: System, requests: Requests): void {
  const report: Report = (what, detail) => system.violated(what, detail);
  const keys = [...system.mongo.keys.values()];
  const wanted = keys.filter((key) => isWantedNow(key, system)).map(toHandledKey);
  const wantedOn = (node: string) => {
    const here = wanted.filter(({ terms }) => groupsMeet(terms.groups, system.fleet.groupsOf(node)));
    return new Map(here.map((key) => [key.uuid, key]));
  };
  for (const xray of system.xrays) {
    if (xray.inbound === null) report("inbound gone for good", xray.name);
    else checkNode(xray.name, xray.inbound, wantedOn(xray.name), report);
    checkUnmanaged(xray.name, xray.inbound, report);
  }
  checkDocuments(system, keys, report);
  checkTerms(system, requests.changes.asked, report);
  checkEvents(system, requests, report);
  for (const errand of requests.errands) checkErrand(errand, keys, report);
}

function checkNode(node: string, inbound: Inbound, active: ReadonlyMap<string, HandledKey>, report: Report): void {
  for (const [uuid, email] of inbound.byUuid) {
    const isOurs = keyIdOfEmail(email) !== null;
    if (!isOurs || active.has(uuid)) continue;
    report(inbound.byEmail.has(email) ? "orphan, listed" : "orphan, unlisted and unremovable", `${node} ${email}`);
  }
  for (const [email, user] of inbound.byEmail) {
    const isOurs = keyIdOfEmail(email) !== null;
    if (isOurs && !active.has(uuidOf(user))) report("orphan, listed", `${node} ${email}`);
  }
  for (const [uuid, key] of active) {
    const user = inbound.byEmail.get(`${key.keyId}@veil`);
    if (user !== undefined && flowOf(user) !== key.flow)
      report("active key with another flow", `${node} ${user.email}`);
    if (inbound.byUuid.has(uuid)) continue;
    const isListed = inbound.byEmail.has(`${key.keyId}@veil`);
    report(
      isListed ? "active key dead in Xray though listed" : "active key missing in Xray",
      `${node} key ${key.keyId}`,
    );
  }
}

function checkUnmanaged(node: string, inbound: Inbound | null, report: Report): void {
  if (inbound === null) return;
  const own = [configuredUnmanaged, addedUnmanaged].filter(({ email }) => inbound.byEmail.has(email));
  if (own.length === 0) report("unmanaged user touched", node);
  for (const user of own)
    if (!inbound.byUuid.has(uuidOf(user))) report("unmanaged user touched", `${node} ${user.email}`);
}

function checkDocuments(system: System, keys: readonly KeyDocument[], report: Report): void {
  for (const { keyId, phase, indeterminate } of keys) {
    if (phase === "deleting") report("key stuck in deleting", `key ${keyId}`);
    if (phase === "active" && indeterminate.size > 0) report("active key stays indeterminate", `key ${keyId}`);
  }
  const claims = [...system.mongo.creations.values()].filter(({ keyId }) => keyId !== null);
  for (const { keyId } of claims) {
    if (!keys.some((key) => key.keyId === keyId)) report("key stuck in creating", `key ${keyId}`);
  }
  if (new Set(claims.map(({ keyId }) => keyId)).size < claims.length) report("key id used twice", "");
}

function checkErrand(errand: Errand, keys: readonly KeyDocument[], report: Report): void {
  const { id, answer } = errand;
  const made = keys.filter((key) => key.job === `create-${id}`);
  const active = made.filter(({ phase }) => phase === "active");
  const answered = [answer, ...errand.replays].filter((each) => each !== null);
  const successes = answered.filter((each) => each.status === 200);
  const errors = answered.filter((each) => each.status === "error");
  if (made.length > 1) report("two keys from one job", id);
  for (const { keyId } of successes) {
    if (!errand.deletionAsked && !active.some((key) => key.keyId === keyId)) {
      report("lost key: answered 200, absent", `key ${keyId}`);
    }
    if (active.some((key) => key.keyId !== keyId)) report("zombie: nobody knows of it", id);
  }
  // An "uncancelled" error may be followed by a key when MongoDB applies the decision late and its author has died: an open
  // gap, because nobody is left who knows of it.
  if (answer?.status === "error" && active.length > 0) report("zombie: definitive error, key active", id);
  if (successes.length > 0 && errors.length > 0) report("replay differs from the first answer", id);
  if (errand.deletes.includes(200) && active.length > 0) report("deleted key is active", id);
  if (errand.deletes.filter((each) => each === 200).length > 1) report("two racing deletes both 200", id);
  if (errand.deletesAsked === 1 && errand.deletes[0] === 404) report("own delete answered 404", id);
}
