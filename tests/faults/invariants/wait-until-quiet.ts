import { setTimeout as sleep } from "node:timers/promises";
import { isServiceReady } from "@veil/engines";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import { isWantedIn, phase, type SystemView, viewSystem } from "./system-view.ts";

export interface Quiet {
  readonly view: SystemView | null;
  /** The work that was still pending when the time was up; empty when all is quiet. */
  readonly pending: readonly string[];
  readonly tookMs: number;
}

/** A look reads everything: as long as one took is left between two of them. */
const SHORTEST_PAUSE_MS = 200;

/**
 * Waits until nothing is under way any more: every process is ready, nothing is being created or deleted, and every
 * node holds what MongoDB wants.
 */
export async function waitUntilQuiet(testbed: FaultTestbed, withinMs = 60_000): Promise<Quiet> {
  const begun = performance.now();
  while (true) {
    const lookBegun = performance.now();
    const look = await lookAround(testbed);
    const tookMs = performance.now() - begun;
    if (look.pending.length === 0 || tookMs > withinMs) return { ...look, tookMs };
    await sleep(Math.max(SHORTEST_PAUSE_MS, performance.now() - lookBegun));
  }
}

const STARTED_WITHIN_MS = 180_000;

/** Waits for the end of a start. @throws when something does not come up */
export async function becomeQuiet(testbed: FaultTestbed): Promise<void> {
  const { pending } = await waitUntilQuiet(testbed, STARTED_WITHIN_MS);
  if (pending.length > 0) throw new Error(`the system did not come up: ${pending.join("; ")}`);
}

async function lookAround(testbed: FaultTestbed): Promise<Omit<Quiet, "tookMs">> {
  const unready = await unreadyServices(testbed);
  try {
    const view = await viewSystem(testbed);
    return { view, pending: [...unready, ...pendingIn(view)] };
  } catch (error) {
    return { view: null, pending: [...unready, `the system can't be read: ${String(error)}`] };
  }
}

async function unreadyServices({ api, workers, collectors }: FaultTestbed): Promise<string[]> {
  const services = [api, ...workers, ...collectors];
  const unready = await Promise.all(
    services.map(async ({ process, opsUrl }) =>
      (await isServiceReady(opsUrl)) ? [] : [`${process.name} is not ready`],
    ),
  );
  return unready.flat();
}

function pendingIn(view: SystemView): string[] {
  const { keys, creations, nodes } = view;
  const pending: string[] = [];
  const active = [...keys.values()].filter((key) => isWantedIn(view, key));
  for (const { key_id, decided } of creations) {
    if (!decided && key_id !== null && !keys.has(key_id)) pending.push(`key ${key_id} is claimed and undecided`);
  }
  for (const key of keys.values()) {
    if (key.phase === phase.deleting) pending.push(`key ${key.key_id} is still being deleted`);
  }
  for (const [name, { ours }] of nodes) {
    for (const { key_id, uuid } of active) {
      if (ours.get(key_id) !== uuid) pending.push(`node ${name} lacks key ${key_id}`);
    }
    const wanted = new Set(active.map(({ key_id }) => key_id));
    for (const keyId of ours.keys()) if (!wanted.has(keyId)) pending.push(`node ${name} has an orphan, key ${keyId}`);
  }
  return pending;
}
