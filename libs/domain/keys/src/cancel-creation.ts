import { SYSTEM } from "@veil/events";
import { type Creation, isVisible, type KeyRecord } from "./access-key.ts";
import { clearKey } from "./clear-key.ts";
import { subjectOf } from "./events/expect-events.ts";
import type { LifecyclePorts } from "./lifecycle-ports.ts";
import { nodesOfClaim } from "./wanted-on.ts";

/** Carries out the API's last word on a create job that it answered with an error: no key, whatever happened. */
export async function cancelCreation(job: string, ports: LifecyclePorts): Promise<void> {
  const creation = await ports.store.forbid(job);
  if (creation === null) return;
  const key = await decideAgainst(creation, ports);
  if (key.phase === "deleting") await clearKey(key, [], ports);
}

async function decideAgainst(creation: Creation, ports: LifecyclePorts): Promise<KeyRecord> {
  const { store, clock } = ports;
  const [{ keyId }, nodes] = [creation, nodesOfClaim(creation, ports)];
  const decided = await store.decide({ ...creation, phase: "deleting", indeterminate: nodes });
  if (!isVisible(decided)) return decided;
  const hint = await ports.hints.expect(subjectOf(keyId));
  const stamp = { actor: SYSTEM, at: Math.floor(clock.now() / 1_000) };
  const cancelled = (await store.cancel(keyId, nodes, stamp)) ?? decided;
  hint.ready();
  return cancelled;
}
