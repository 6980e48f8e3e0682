import { isDown, type NodeSightings } from "@veil/keys";
import type { Clock } from "@veil/runtime";

/** For so long what was read is taken for true. */
const KEPT_MS = 1_000;

/**
 * Names of the nodes that don't answer, as the workers noted it: read once for all who ask within a second. While it can't be
 * read, what was read last holds on.
 */
export class DownNodes {
  readonly #sightings: Pick<NodeSightings, "list">;
  readonly #clock: Pick<Clock, "monotonic">;
  #names: Promise<ReadonlySet<string>> = Promise.resolve(new Set());
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(sightings: Pick<NodeSightings, "list">, clock: Pick<Clock, "monotonic">) {
    this.#sightings = sightings;
    this.#clock = clock;
  }

  names(): Promise<ReadonlySet<string>> {
    const now = this.#clock.monotonic();
    if (now - this.#readAt >= KEPT_MS) {
      this.#readAt = now;
      this.#names = this.#read(this.#names);
    }
    return this.#names;
  }

  async #read(before: Promise<ReadonlySet<string>>): Promise<ReadonlySet<string>> {
    try {
      const sightings = await this.#sightings.list();
      return new Set([...sightings].filter(([, sighting]) => isDown(sighting)).map(([node]) => node));
    } catch {
      return before;
    }
  }
}
