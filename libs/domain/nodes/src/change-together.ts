import type { EventHints } from "@veil/events";
import type { Fleet, FleetUpdate } from "./fleet.ts";
import type { FleetStore } from "./ports.ts";
import { FLEET_SUBJECT } from "./fleet-event.ts";

/** What the fleet is to become; null where there is nothing to change. May be asked again, on what is stored then. */
export type FleetDecision = (fleet: Fleet) => FleetUpdate | null;

/**
 * Carries out several changes of the fleet by one write, each on what those before it made of it, whoever else changes it at the
 * same time.
 *
 * @param hints asked before events are born
 * @returns for each in its place whether it changed anything
 * @throws {StoreUnavailableError} when the store is away; some of it may have been stored
 */
export async function changeTogether(
  store: FleetStore,
  decisions: readonly FleetDecision[],
  hints: EventHints,
): Promise<readonly boolean[]> {
  const ends: boolean[] = [];
  while (ends.length < decisions.length) {
    const fleet = await store.read();
    if (fleet === null) return decisions.map(() => false);
    const { update, changed } = decided(fleet, decisions.slice(ends.length));
    if (update === null || (await isStored(store, fleet, update, hints))) ends.push(...changed);
  }
  return ends;
}

async function isStored(store: FleetStore, before: Fleet, update: FleetUpdate, hints: EventHints): Promise<boolean> {
  const hint = update.events === undefined ? null : await hints.expect(FLEET_SUBJECT);
  const end = await store.save(before, update);
  hint?.ready();
  return end === "saved";
}

/** What becomes of the first ones: all of them, unless one reports what another one reports already. */
function decided(
  stored: Fleet,
  decisions: readonly FleetDecision[],
): { readonly update: FleetUpdate | null; readonly changed: readonly boolean[] } {
  let fleet = stored;
  let update: FleetUpdate | null = null;
  const changed: boolean[] = [];
  for (const decide of decisions) {
    const next = decide(fleet);
    changed.push(next !== null);
    if (next === null) continue;
    const events = [...(update?.events ?? []), ...(next.events ?? [])];
    if (new Set(events.map(({ id }) => id)).size < events.length) {
      changed.pop();
      break;
    }
    fleet = { ...fleet, nodes: next.nodes ?? fleet.nodes, hosts: next.hosts ?? fleet.hosts };
    update = joined(update, next, events);
  }
  return { update, changed };
}

function joined(
  before: FleetUpdate | null,
  next: FleetUpdate,
  events: NonNullable<FleetUpdate["events"]>,
): FleetUpdate {
  return { ...before, ...withoutEvents(next), ...(events.length > 0 && { events }) };
}

function withoutEvents({ nodes, hosts }: FleetUpdate): FleetUpdate {
  return { ...(nodes !== undefined && { nodes }), ...(hosts !== undefined && { hosts }) };
}
