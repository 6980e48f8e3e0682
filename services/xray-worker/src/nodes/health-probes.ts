import type { NodeWatch } from "@veil/reconciler";
import type { Clock } from "@veil/runtime";
import { InboundMissingError, type XrayNode } from "@veil/xray-grpc";

/** Xray walks over its users to count them: a calm node that holds more is counted less often than each second. */
const COUNTED_EACH_SECOND = 10_000;
const LONGEST_BETWEEN_COUNTS_MS = 5_000;

interface Found {
  /** Null where the inbound is missing. */
  readonly users: number | null;
  /** Seconds since the Xray process started; whole seconds. */
  readonly uptime: number;
}

/** Asks a node for what a health probe wants to know, each second, and for its users as often as that is cheap. */
export class HealthProbes {
  readonly #node: XrayNode;
  readonly #watch: NodeWatch;
  readonly #clock: Pick<Clock, "monotonic">;
  /** Until then a calm node's users need not be counted again, by the monotonic clock. */
  #countedUntil = Number.NEGATIVE_INFINITY;

  constructor(node: XrayNode, watch: NodeWatch, clock: Pick<Clock, "monotonic">) {
    this.#node = node;
    this.#watch = watch;
    this.#clock = clock;
  }

  /**
   * One health probe.
   *
   * @param mustCount whether the number of users has to be as of now
   * @throws {XrayError} when the node does not answer, or refuses
   */
  async next(mustCount: boolean): Promise<Found> {
    if (!mustCount && this.#clock.monotonic() < this.#countedUntil) {
      const uptime = await this.#node.uptimeSeconds();
      const users = this.#watch.usersAsBefore(uptime);
      if (users !== null) return { users, uptime };
    }
    const [users, uptime] = await Promise.all([countUsers(this.#node), this.#node.uptimeSeconds()]);
    this.#countedUntil = this.#clock.monotonic() + validForMs(users ?? 0);
    return { users, uptime };
  }
}

function validForMs(users: number): number {
  const isCheap = users <= COUNTED_EACH_SECOND;
  return isCheap ? 0 : Math.min((users / COUNTED_EACH_SECOND) * 1_000, LONGEST_BETWEEN_COUNTS_MS);
}

/** @returns null where the inbound is missing, which the pass mends if it can @throws {XrayError} */
export async function countUsers(node: XrayNode): Promise<number | null> {
  try {
    return await node.countUsers();
  } catch (error) {
    if (error instanceof InboundMissingError) return null;
    throw error;
  }
}
