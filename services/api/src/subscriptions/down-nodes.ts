import { isDown, type NodeSighting, type NodeSightings } from "@veil/keys";
import type { Clock } from "@veil/runtime";

/** For so long what was read is taken for true. */
const KEPT_MS = 1_000;

/**
 * Which nodes are of no use, as the workers noted it: read once for all who ask within a second. While it can't be read, what
 * was read last holds on.
 */
export class DownNodes {
  readonly #sightings: Pick<NodeSightings, "list">;
  readonly #clock: Pick<Clock, "monotonic">;
  #known: Promise<ReadonlyMap<string, NodeSighting>> = Promise.resolve(new Map());
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(sightings: Pick<NodeSightings, "list">, clock: Pick<Clock, "monotonic">) {
    this.#sightings = sightings;
    this.#clock = clock;
  }

  /** Tells of a node by its name. One that no worker has made use of yet is down, unless nothing was ever noted of any. */
  async test(): Promise<(node: string) => boolean> {
    const now = this.#clock.monotonic();
    if (now - this.#readAt >= KEPT_MS) {
      this.#readAt = now;
      this.#known = this.#read(this.#known);
    }
    const known = await this.#known;
    return (node) => {
      const sighting = known.get(node);
      return sighting === undefined ? known.size > 0 : isDown(sighting);
    };
  }

  async #read(before: Promise<ReadonlyMap<string, NodeSighting>>): Promise<ReadonlyMap<string, NodeSighting>> {
    try {
      return await this.#sightings.list();
    } catch {
      return before;
    }
  }
}
