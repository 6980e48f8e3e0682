import { keyIdOfSubject } from "@veil/keys";
import type { AskedChange } from "./key-changes.ts";
import type { System } from "./system.ts";

type Report = (what: string, detail: string) => void;

/** What must hold of the log at every moment: whoever has seen an event never finds an earlier one that was not there. */
export function checkLogAlways({ mongo, violated }: System): void {
  const { events } = mongo.log;
  if (events.size > 0 && !events.has(events.size)) violated("the log has a gap", String(events.size));
}

/** What must hold of the log once everything has come to rest: each change that took effect is there once. */
export function checkEvents({ mongo }: System, asked: readonly AskedChange[], report: Report): void {
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
      const shown = own.at(-1)?.data["key"] as { readonly revision: number } | undefined;
      if (shown?.revision !== version?.terms.revision) {
        report("the last event of a key shows another revision", `key ${keyId}: ${ids.at(-1)}`);
      }
      if (types.includes("key.deleted")) report("a key that is there is reported as deleted", `key ${keyId}`);
    } else if (last !== "key.deleted" || types.indexOf("key.deleted") < types.length - 1) {
      report("that a key was deleted is not the last of its events, once", `key ${keyId}: ${types.join(" ")}`);
    }
  }
  for (const { job, answers } of asked) {
    const isDone = answers.some((answer) => answer.status === 200 && answer.isChanged);
    const versions = new Set(logged.filter(({ actor }) => actor.name === job).map(({ id }) => id.replace(/-\d+$/, "")));
    if (isDone && versions.size !== 1)
      report("a change that was answered 200 is not reported once", `${job} ${versions.size}`);
  }
}
