import { type NodeSighting, type NodeSightings, NOTE_SIGHTINGS_EVERY_MS } from "@veil/keys";
import { type Clock, lastingFailure, type Logger, type RunningService, runLoop } from "@veil/runtime";

const NEVER: NodeSighting = { seenAt: null, failedAt: null };

/** Notes on which nodes keys work, so that subscriptions leave out the others. */
export class NodesSeen {
  readonly #store: Pick<NodeSightings, "note">;
  readonly #clock: Pick<Clock, "now">;
  readonly #unwritten = new Map<string, NodeSighting>();

  constructor(store: Pick<NodeSightings, "note">, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A node answers and has its users, or not; nothing is said while that is not known. */
  probed(node: string, isServing: boolean | null): void {
    if (isServing === null) return;
    const now = Math.floor(this.#clock.now());
    const { seenAt, failedAt } = this.#unwritten.get(node) ?? NEVER;
    this.#unwritten.set(node, isServing ? { seenAt: now, failedAt } : { seenAt, failedAt: now });
  }

  /** Writes what was seen since the last time; what can't be written is old news the next time. */
  async write(): Promise<void> {
    const sightings = new Map(this.#unwritten);
    this.#unwritten.clear();
    await this.#store.note(sightings);
  }

  /** Writes again and again until the service stops. */
  start(running: RunningService, log: Logger): void {
    runLoop(running, "nodes seen", {
      everyMs: NOTE_SIGHTINGS_EVERY_MS,
      jitter: 0.1,
      task: () => this.write(),
      ...lastingFailure(log, "could not note which nodes answer"),
    });
  }
}
