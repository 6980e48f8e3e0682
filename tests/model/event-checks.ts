import { isOfSameWrite } from "@veil/idempotency";
import type { VeilEvent } from "@veil/events";
import { type KeyChange, keyIdOfSubject } from "@veil/keys";
import type { Arrival } from "./device-arrivals.ts";
import type { Requests } from "./requests.ts";
import type { System } from "./system.ts";

type Report = (what: string, detail: string) => void;

/** The log's promise of every moment: a reader that has seen an event never finds an earlier one that was not there. */
export function checkLogAlways({ mongo, violated }: System): void {
  const { events } = mongo.log;
  if (events.size > 0 && !events.has(events.size)) violated("the log has a gap", String(events.size));
}

/** The log's promise once everything has come to rest: each change that took effect is there once. */
export function checkEvents(system: System, requests: Requests, report: Report): void {
  const { mongo } = system;
  const { asked } = requests.changes;
  const logged = [...mongo.log.events].toSorted(([one], [other]) => one - other).map(([, event]) => event);
  const ids = logged.map(({ id }) => id);
  for (const id of new Set(ids.filter((each, index) => ids.indexOf(each) !== index))) report("logged twice", id);
  for (const [keyId, { activated, phase, version }] of mongo.keys) {
    const own = logged.filter(({ subject }) => keyIdOfSubject(subject) === keyId);
    const types = own.map(({ type }) => type);
    const [first, last] = [types[0], types.at(-1)];
    if (!activated) {
      if (own.length > 0) report("an event of a key that there never was", `key ${keyId}`);
      continue;
    }
    if (first !== "key.created" || types.lastIndexOf("key.created") > 0) {
      report("that a key was made is not the first of its events, once", `key ${keyId}: ${types.join(" ")}`);
    }
    if (phase === "active") {
      // Those of devices tell of the revision under which they were born, and may come later than another one.
      const ofTerms = own.findLast(({ type }) => !type.startsWith("key.device_"));
      const shown = ofTerms?.data["key"] as { readonly revision: number } | undefined;
      if (shown?.revision !== version?.terms.revision) {
        report("the last event of a key shows another revision", `key ${keyId}: ${ids.at(-1)}`);
      }
      if (types.includes("key.deleted")) report("a key that is there is reported as deleted", `key ${keyId}`);
    } else if (last !== "key.deleted" || types.indexOf("key.deleted") < types.length - 1) {
      report("that a key was deleted is not the last of its events, once", `key ${keyId}: ${types.join(" ")}`);
    }
  }
  checkDevices(system, requests.devices.seen, logged, report);
  for (const { job, change, answers } of asked) {
    const isDone = answers.some((answer) => answer.status === 200 && answer.isChanged);
    const versions = new Set(
      logged.filter(({ actor }) => isOfSameWrite(actor.name, job)).map(({ id }) => id.replace(/-\d+$/, "")),
    );
    // A later delivery can't tell whether an earlier one stored more than what was due: there is nothing to report of what was so already.
    if (versions.size === 0 && mayBeSoAlready(change)) continue;
    if (isDone && versions.size !== 1)
      report(
        "a change that was answered 200 is not reported once",
        `${job} ${versions.size} ${JSON.stringify(change)}`,
      );
  }
}

/** Each device that came is reported once, as added or as refused, of keys that are there. */
function checkDevices({ mongo }: System, seen: readonly Arrival[], logged: readonly VeilEvent[], report: Report): void {
  for (const [keyId, { phase }] of mongo.keys) {
    const list = mongo.devices.lists.get(keyId);
    const count = (type: VeilEvent["type"], device: string) =>
      logged.filter(({ id, subject, type: other }) => {
        return other === type && keyIdOfSubject(subject) === keyId && id.endsWith(`-${device}`);
      }).length;
    for (const device of new Set(seen.filter((arrival) => arrival.keyId === keyId).map((arrival) => arrival.device))) {
      const arrivals = seen.filter((arrival) => arrival.keyId === keyId && arrival.device === device);
      const [added, refused] = [count("key.device_added", device), count("key.device_refused", device)];
      const counts = `key ${keyId} ${device}: ${added} added, ${refused} refused`;
      if (added > 1 || refused > 1) report("a device is reported twice", counts);
      if (phase !== "active") continue;
      const isListed = list?.devices.some(({ id }) => id === device) === true;
      if (isListed !== added > 0) report("a device that is registered is not reported, or another one is", counts);
      if (arrivals.some(({ result }) => result?.outcome === "refused") && refused === 0)
        report("a device that was refused is not reported", counts);
    }
  }
}

/** Whether a key can be as it is asked to be before anybody asks. */
function mayBeSoAlready({ set = {}, ...others }: KeyChange): boolean {
  const isCommon = ([name, value]: [string, unknown]) => value === null || name === "enabled" || name === "groups";
  return Object.keys(others).length === 0 && Object.entries(set).every(isCommon);
}
