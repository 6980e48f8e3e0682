import {
  FAILING_FOR_MS,
  type NodeSighting,
  type NodeSightings,
  NOTE_SIGHTINGS_EVERY_MS,
  NOTE_SIGHTINGS_JITTER,
} from "@veil/keys";
import type { NodePass, NodePasses, SeenInbound, SeenInbounds } from "@veil/nodes";
import type { RunningInbound } from "@veil/protocols";
import type { PassResult } from "@veil/reconciler";
import { type Clock, lastingFailure, type Logger, type RunningService, runLoop } from "@veil/runtime";

const NEVER: NodeSighting = { seenAt: null, failedAt: null };

export interface NodesSeenStores {
  readonly sightings: Pick<NodeSightings, "note">;
  readonly passes: Pick<NodePasses, "note">;
  readonly seenInbounds: Pick<SeenInbounds, "note">;
}

/** Notes on which nodes keys work, so that subscriptions leave out the others, and what passes found there: users, and what runs. */
export class NodesSeen {
  readonly #stores: NodesSeenStores;
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  /** Since when this process has seen a node fail, by the monotonic clock. */
  readonly #failingSince = new Map<string, number>();
  readonly #unwritten = new Map<string, NodeSighting>();
  readonly #passes = new Map<string, NodePass>();
  readonly #inbounds = new Map<string, SeenInbound>();

  constructor(stores: NodesSeenStores, clock: Pick<Clock, "now" | "monotonic">) {
    this.#stores = stores;
    this.#clock = clock;
  }

  /** A node answers and has its users, or not; nothing is said while that is not known. */
  probed(node: string, isServing: boolean | null): void {
    if (isServing === null || (!isServing && !this.#keepsFailing(node))) return;
    if (isServing) this.#failingSince.delete(node);
    const now = Math.floor(this.#clock.now());
    const { seenAt, failedAt } = this.#unwritten.get(node) ?? NEVER;
    this.#unwritten.set(node, isServing ? { seenAt: now, failedAt } : { seenAt, failedAt: now });
  }

  #keepsFailing(node: string): boolean {
    const now = this.#clock.monotonic();
    const since = this.#failingSince.get(node) ?? now;
    this.#failingSince.set(node, since);
    return now - since >= FAILING_FOR_MS;
  }

  /** A place is no more. */
  left(place: string): void {
    this.#failingSince.delete(place);
  }

  /** A pass over a node ended well. */
  passed(node: string, { users, drift }: Pick<PassResult, "users" | "drift">): void {
    const { missing, wrong, orphans } = drift;
    const found = { missing: missing.length, wrong: wrong.length, orphans: orphans.length };
    this.#passes.set(node, { at: Math.floor(this.#clock.now()), users, ...found });
  }

  /** An inbound tells how clients get in. */
  described(place: string, runs: RunningInbound): void {
    this.#inbounds.set(place, { at: Math.floor(this.#clock.now()), runs });
  }

  /** Writes what was seen since the last time; what can't be written is old news the next time. */
  async write(): Promise<void> {
    const { sightings, passes, seenInbounds } = this.#stores;
    const now = Math.floor(this.#clock.now());
    await Promise.all([
      sightings.note(taken(this.#unwritten), now),
      passes.note(taken(this.#passes), now),
      seenInbounds.note(taken(this.#inbounds), now),
    ]);
  }

  /** Writes again and again until the service stops. */
  start(running: RunningService, log: Logger): void {
    runLoop(running, "nodes seen", {
      everyMs: NOTE_SIGHTINGS_EVERY_MS,
      jitter: NOTE_SIGHTINGS_JITTER,
      task: () => this.write(),
      ...lastingFailure(log, "could not note which nodes answer"),
    });
  }
}

function taken<Note>(notes: Map<string, Note>): ReadonlyMap<string, Note> {
  const all = new Map(notes);
  notes.clear();
  return all;
}
