import { isDown, type NodeSightings } from "./node-states.ts";
import { SIGHTINGS_FRESH_MS } from "./timing.ts";

/**
 * Which nodes are of no use, as the workers noted it: read once for all who ask within a second. While it can't be read, what
 * was read last holds on.
 */
export class DownNodes {
  readonly #sightings: Pick<NodeSightings, "list">;
  readonly #clock: { monotonic(): number };
  #reading: Promise<void> = Promise.resolve();
  #isDown = isDownBy(new Map());
  /** The answers of the function for all nodes, as text. */
  #states = "[]";
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(sightings: Pick<NodeSightings, "list">, clock: { monotonic(): number }) {
    this.#sightings = sightings;
    this.#clock = clock;
  }

  /** Tells of a node by its name, by the same function while it tells the same of all. One that no worker has made use of yet is down, unless nothing was ever noted of any. */
  async test(): Promise<(node: string) => boolean> {
    const now = this.#clock.monotonic();
    if (now - this.#readAt >= SIGHTINGS_FRESH_MS) {
      this.#readAt = now;
      this.#reading = this.#read();
    }
    await this.#reading;
    return this.#isDown;
  }

  /** The function that {@link test} returned last, for who can't wait. */
  known(): (node: string) => boolean {
    return this.#isDown;
  }

  async #read(): Promise<void> {
    try {
      const down = new Map([...(await this.#sightings.list())].map(([node, sighting]) => [node, isDown(sighting)]));
      const states = JSON.stringify([...down].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      if (states !== this.#states) this.#isDown = isDownBy(down);
      this.#states = states;
    } catch {
      // The states that were read last hold on.
    }
  }
}

function isDownBy(known: ReadonlyMap<string, boolean>): (node: string) => boolean {
  return (node) => known.get(node) ?? known.size > 0;
}
