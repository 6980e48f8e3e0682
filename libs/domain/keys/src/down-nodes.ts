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
  #isDown = isDownBy(new Map());
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(sightings: Pick<NodeSightings, "list">, clock: { monotonic(): number }) {
    this.#sightings = sightings;
    this.#clock = clock;
  }

  /** Tells of a node by its name, by the same function until something new is read. One that no worker has made use of yet is down, unless nothing was ever noted of any. */
  async test(): Promise<(node: string) => boolean> {
    const now = this.#clock.monotonic();
    if (now - this.#readAt >= KEPT_MS) {
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
      this.#isDown = isDownBy(await this.#sightings.list());
    } catch {
      // What was read last holds on.
    }
  }
}

function isDownBy(known: ReadonlyMap<string, NodeSighting>): (node: string) => boolean {
  return (node) => {
    const sighting = known.get(node);
    return sighting === undefined ? known.size > 0 : isDown(sighting);
  };
}
