import { type FaultTestbed, unmanagedUser } from "../testbed/start-fault-testbed.ts";
import { fateOf, isNotFound, type KeyStory } from "../load/key-book.ts";
import type { Findings } from "../report/findings.ts";
import { isWantedIn, phase, type SystemView } from "./system-view.ts";
import { waitUntilQuiet } from "./wait-until-quiet.ts";

/** Waits until all is quiet and holds every answer against what is there. */
export async function checkKeys(
  testbed: FaultTestbed,
  stories: readonly KeyStory[],
  findings: Findings,
): Promise<void> {
  const { view, pending } = await waitUntilQuiet(testbed);
  findings.enter("finished", pending.slice(0, 10));
  if (view === null) return;
  findings.enter(
    "answered",
    stories.filter((story) => fateOf(story) === "alive").flatMap((story) => alive(story, view)),
  );
  findings.enter(
    "refused",
    stories.filter(({ creation }) => creation.outcome.kind === "refused").flatMap((story) => nowhere(story, view)),
  );
  findings.enter(
    "deleted",
    stories.flatMap((story) => deletionFaults(story, view)),
  );
  findings.enter("agree", [...disagreements(view), ...halves(stories, view)]);
  findings.enter("unmanaged", unmanagedFaults(view));
}

function alive({ name, creation: { outcome } }: KeyStory, view: SystemView): string[] {
  if (outcome.kind !== "answered") return [];
  const { key_id, uuid } = outcome.value;
  const faults: string[] = [];
  const listed = view.listed.get(key_id);
  if (listed?.uuid !== uuid || listed.name !== name) faults.push(`key ${key_id} (${name}) is not listed as answered`);
  const stored = view.keys.get(key_id);
  if (stored?.phase !== phase.active || stored.uuid !== uuid) faults.push(`key ${key_id} (${name}) is not active`);
  for (const [node, { ours }] of view.nodes) {
    if (ours.get(key_id) !== uuid) faults.push(`key ${key_id} (${name}) is not in node ${node}`);
  }
  return faults;
}

function nowhere({ name }: KeyStory, view: SystemView): string[] {
  const faults: string[] = [];
  for (const key of view.listed.values()) if (key.name === name) faults.push(`${name} was refused and is listed`);
  for (const key of view.keys.values()) {
    if (key.name === name && key.phase !== phase.gone) faults.push(`${name} was refused and is in phase ${key.phase}`);
  }
  for (const claim of view.creations) {
    if (claim.name !== name || claim.key_id === null) continue;
    for (const [node, { ours }] of view.nodes) {
      if (ours.has(claim.key_id)) faults.push(`${name} was refused and is in node ${node}`);
    }
  }
  return faults;
}

function deletionFaults({ name, creation, deletions }: KeyStory, view: SystemView): string[] {
  if (creation.outcome.kind !== "answered" || deletions.length === 0) return [];
  const { key_id } = creation.outcome.value;
  const answered = deletions.filter(({ outcome }) => outcome.kind === "answered").length;
  const faults: string[] = [];
  if (answered > 1) faults.push(`key ${key_id} (${name}) was deleted ${answered} times`);
  if (deletions.every(({ outcome }) => isNotFound(outcome))) faults.push(`key ${key_id} (${name}) was not found`);
  if (answered === 0) return faults;
  if (view.listed.has(key_id)) faults.push(`key ${key_id} (${name}) is deleted and listed`);
  if (view.keys.get(key_id)?.phase !== phase.gone) faults.push(`key ${key_id} (${name}) is deleted and not gone`);
  for (const [node, { ours }] of view.nodes) {
    if (ours.has(key_id)) faults.push(`key ${key_id} (${name}) is deleted and in node ${node}`);
  }
  return faults;
}

/** An unanswered request has either outcome, and only one of them: its name stands for one key at most. */
function halves(stories: readonly KeyStory[], view: SystemView): string[] {
  const known = new Set(stories.map(({ name }) => name));
  const names = [...view.listed.values()].map(({ name }) => name).filter((name) => name !== null && known.has(name));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return twice.map((name) => `${String(name)} is listed twice`);
}

function disagreements(view: SystemView): string[] {
  const { listed, keys, nodes } = view;
  const active = new Map(
    [...keys.values()].filter((key) => key.phase === phase.active).map((key) => [key.key_id, key]),
  );
  const wanted = new Map([...active].filter(([, key]) => isWantedIn(view, key)));
  const faults: string[] = [];
  for (const [keyId, key] of active) {
    if (listed.get(keyId)?.uuid !== key.uuid) faults.push(`key ${keyId} is active and not listed so`);
  }
  for (const keyId of listed.keys()) if (!active.has(keyId)) faults.push(`key ${keyId} is listed and not active`);
  const uuids = new Set([...keys.values()].map(({ uuid }) => uuid));
  if (uuids.size !== keys.size) faults.push(`${keys.size} keys have ${uuids.size} uuids`);
  const jobs = new Set([...keys.values()].map(({ job }) => job));
  if (jobs.size !== keys.size) faults.push(`${keys.size} keys come from ${jobs.size} create jobs`);
  for (const [name, { ours }] of nodes) {
    for (const [keyId, uuid] of ours) {
      if (wanted.get(keyId)?.uuid !== uuid) faults.push(`node ${name} has key ${keyId}, which is not active as such`);
    }
    for (const keyId of wanted.keys()) if (!ours.has(keyId)) faults.push(`node ${name} lacks key ${keyId}`);
  }
  return faults;
}

function unmanagedFaults({ nodes }: SystemView): string[] {
  return [...nodes].flatMap(([name, { unmanaged }]) => {
    const [user, ...others] = unmanaged;
    const isThere = user?.email === unmanagedUser.email && user.uuid === unmanagedUser.id && others.length === 0;
    return isThere ? [] : [`the unmanaged users of node ${name} are ${JSON.stringify(unmanaged)}`];
  });
}
