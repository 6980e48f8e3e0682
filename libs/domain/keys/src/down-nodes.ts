import { isDown, type NodeSighting, type NodeSightings } from "./node-sightings.ts";

/** For so long what was read is taken for true. */
const KEPT_MS = 1_000;

/**
 * Which nodes are of no use, as the workers noted it: read once for all who ask within a second. While it can't be read, what
 * was read last holds on.
 */
export class DownNodes {
  readonly #sightings: Pick<NodeSightings, "list">;
  readonly #clock: { monotonic(): number };
  #reading: Promise<void> = Promise.resolve();
  #known: ReadonlyMap<string, NodeSighting> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(sightings: Pick<NodeSightings, "list">, clock: { monotonic(): number }) {
    this.#sightings = sightings;
    this.#clock = clock;
  }

  /** Tells of a node by its name. One that no worker has made use of yet is down, unless nothing was ever noted of any. */
  async test(): Promise<(node: string) => boolean> {
    const now = this.#clock.monotonic();
    if (now - this.#readAt >= KEPT_MS) {
      this.#readAt = now;
      this.#reading = this.#read();
    }
    await this.#reading;
    const known = this.#known;
    return (node) => isUseless(node, known);
  }

  /** As {@link test} said last, for who can't wait. */
  isDown(node: string): boolean {
    return isUseless(node, this.#known);
  }

  async #read(): Promise<void> {
    try {
      this.#known = await this.#sightings.list();
    } catch {
      // What was read last holds on.
    }
  }
}

function isUseless(node: string, known: ReadonlyMap<string, NodeSighting>): boolean {
  const sighting = known.get(node);
  return sighting === undefined ? known.size > 0 : isDown(sighting);
}
