import { type FleetStore, nodeOfPlace } from "@veil/nodes";
import type { RedisLease } from "@veil/redis";
import type { SharedClock } from "@veil/runtime";
import {
  forgottenLives,
  type IsForgotten,
  knownSeries,
  LIVES_KEPT_MS,
  marksOfNone,
  nodeEntity,
  type NodeLives,
  type NodeLivesStore,
  type TrafficStore,
  type UsageStore,
} from "@veil/traffic";

export interface ForgottenNodesPorts {
  readonly lives: Pick<NodeLivesStore, "names" | "list" | "remove" | "removeClaims">;
  readonly fleet: Pick<FleetStore, "read">;
  readonly records: Pick<TrafficStore, "remove">;
  readonly usage: Pick<UsageStore, "remove">;
  readonly clock: Pick<SharedClock, "earliest">;
}

/** Names come and go, as with the pods of a cluster: of those that are gone for long nothing is kept. */
export class ForgottenNodes {
  readonly #ports: ForgottenNodesPorts;
  readonly #keptMs: number;
  #known: ReadonlySet<string> | null = null;

  /** @param usageDays for how many days usage is shown, in which that of nodes counts */
  constructor(ports: ForgottenNodesPorts, usageDays: number) {
    this.#ports = ports;
    this.#keptMs = Math.max(LIVES_KEPT_MS, (usageDays + 1) * 24 * 60 * 60 * 1_000);
  }

  /** Whether records of traffic can do without a series of lives; no while that is not known. */
  readonly isForgotten: IsForgotten = (series, epoch) =>
    this.#known !== null && !this.#known.has(nodeOfPlace(series)) && epoch * 1_000 < this.#readBefore;

  /**
   * Looks which lives there are, and removes those of nodes that are gone for long, with their totals, where this collector is to.
   * Where lives can't be read nothing is known of what they need, and nothing is removed.
   *
   * @param lease of the collector that removes
   * @returns of how many nodes
   * @throws {StoreUnavailableError | UnreadableRecordError} when the store is away, or the fleet makes no sense
   */
  async look(lease: Pick<RedisLease, "acquire">): Promise<number> {
    const { lives } = this.#ports;
    const names = await lives.names();
    const all = await lives.list();
    const read = new Set(all.map(({ node }) => node));
    this.#known = null;
    if (all.length === 0 || !names.every((name) => read.has(name))) return 0;
    this.#known = knownSeries(all);
    if ((await lease.acquire()) === null) return 0;
    return this.#remove(all);
  }

  async #remove(all: readonly NodeLives[]): Promise<number> {
    const { fleet, lives, records, usage } = this.#ports;
    const found = await fleet.read();
    if (found === null) return 0;
    const known = new Set([...found.nodes.map(({ name }) => name), ...(found.unreadable?.nodes ?? [])]);
    const forgotten = forgottenLives(all, known, this.#readBefore);
    if (forgotten.length === 0) return 0;
    // The lives last: where this is cut off the next look finds them again.
    const totals = forgotten.map(({ node }) => nodeEntity(node));
    await records.remove(totals);
    await usage.remove(totals);
    await lives.removeClaims(marksOfNone(forgotten, all));
    for (const each of forgotten) await lives.remove(each);
    return forgotten.length;
  }

  get #readBefore(): number {
    return this.#ports.clock.earliest() - this.#keptMs;
  }
}
