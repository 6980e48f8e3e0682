import type { EmptiedFile } from "../config-file/emptied-file.ts";
import { type FleetChanges, changeNodes } from "./fleet-changes.ts";
import {
  activated,
  type Fleet,
  inboundFilled,
  inboundGone,
  isToBeFilled,
  KNOWN_TO_ALL_MS,
  type Place,
  placesOf,
} from "@veil/nodes";
import { coerceError, LastingFailures } from "@veil/runtime";
import type { XrayNode } from "@veil/xray-grpc";
import { findSameProcess, type MarkedProcess } from "./same-process.ts";

export interface JoiningNodesOptions extends FleetChanges {
  readonly fleet: () => Fleet;
  /** The nodes that this worker is connected with at each moment. */
  readonly connected: () => readonly Pick<XrayNode, keyof MarkedProcess>[];
  readonly newMark: () => string;
  readonly inFile: Pick<EmptiedFile, "empty">;
}

/**
 * In how long a place may be filled: one that is new, or whose node is. At most {@link KNOWN_TO_ALL_MS}, however the time of day was
 * set since.
 *
 * @param now milliseconds since the epoch
 */
export function filledIn(place: Place, now: number): number {
  return untilKnownToAll(enteredAt(place), now);
}

function enteredAt({ of: { state, since }, inbound }: Place): number {
  const isNew = inbound.regroupedAt > 0 && inbound.formerGroups.length === 0 && !inbound.isLeaving;
  return Math.max(state === "joining" ? since : 0, isNew ? inbound.regroupedAt : 0);
}

/** In how long every worker knows what was decided at a moment. Both in milliseconds since the epoch. */
export function untilKnownToAll(decidedAt: number, now: number): number {
  return Math.min(KNOWN_TO_ALL_MS, Math.max(0, decidedAt + KNOWN_TO_ALL_MS - now));
}

/** Makes nodes active that have been filled, and ends inbounds that have been emptied. */
export class JoiningNodes {
  readonly #options: JoiningNodesOptions;
  /** Obstacles that keep nodes from becoming active, by node: each returns with every pass, and is logged once. */
  readonly #obstacles: LastingFailures;
  /** Nodes that lead to the process of another one, with the names of those that were logged. */
  readonly #duplicates = new Map<string, ReadonlySet<string>>();
  readonly #unshown: LastingFailures;
  readonly #unended: LastingFailures;

  constructor(options: JoiningNodesOptions) {
    this.#options = options;
    this.#obstacles = new LastingFailures(options.log, "a node can't become active yet");
    this.#unshown = new LastingFailures(options.log, "the inbound could not be shown");
    this.#unended = new LastingFailures(options.log, "the inbound could not be ended");
  }

  /** A pass over the node failed, or left some of its users to the next one. */
  unfilled(name: string): void {
    if (this.#isToBeFilled(name)) this.#obstacles.onError(name, { node: name }, new NotFilledError(name));
  }

  /** A pass over an inbound left nobody out. Never rejects: the next pass tries again. @param begunAt milliseconds since the epoch */
  async filled(place: string, begunAt: number): Promise<void> {
    await this.#inboundFilled(place, begunAt);
    await this.#nodeFilled(place);
  }

  /** One that comes again under its tag was looked at before anybody filled it. */
  async #inboundFilled(name: string, begunAt: number): Promise<void> {
    const { fleet, clock } = this.#options;
    const place = fleet()
      .nodes.flatMap(placesOf)
      .find((one) => one.name === name);
    if (place?.inbound.isUnfilled !== true) return;
    // Entered by a clock that was ahead, it would stay unfilled for as long.
    const isDatedAhead = enteredAt(place) > clock.now() + KNOWN_TO_ALL_MS;
    if (!isDatedAhead && filledIn(place, begunAt) > 0) return;
    try {
      await changeNodes((found) => inboundFilled(found, name), this.#options);
      this.#unshown.forget(name);
    } catch (thrown) {
      this.#unshown.onError(name, { node: name }, coerceError(thrown));
    }
  }

  async #nodeFilled(name: string): Promise<void> {
    const { connected, newMark, clock, log } = this.#options;
    if (!this.#isToBeFilled(name)) {
      this.#obstacles.forget(name);
      this.#duplicates.delete(name);
      return;
    }
    try {
      const node = connected().find((one) => one.name === name);
      if (node === undefined) return;
      const other = await findSameProcess(node, connected(), newMark);
      if (other !== null) {
        const known = this.#duplicates.get(name);
        if (known?.has(other) !== true)
          log.error({ node: name, other }, "two nodes lead to the same Xray process; take one of them out");
        this.#duplicates.set(name, new Set([...(known ?? []), other]));
        return;
      }
      this.#duplicates.delete(name);
      const isActive = await changeNodes((found) => activated(found, name, clock.now()), this.#options);
      this.#obstacles.onSuccess(name);
      if (isActive) log.info({ node: name }, "the node is active");
    } catch (thrown) {
      this.#obstacles.onError(name, { node: name }, coerceError(thrown));
    }
  }

  /**
   * A pass has made sure that a place holds users of its groups alone: one that leaves holds nobody. Never rejects: the next pass
   * tries again.
   */
  async sorted(place: string): Promise<void> {
    const { fleet, inFile, log } = this.#options;
    const leaving = fleet()
      .nodes.flatMap(placesOf)
      .find(({ name, inbound }) => name === place && inbound.isLeaving);
    if (leaving === undefined) return;
    try {
      if (!(await inFile.empty(leaving))) return;
      const isGone = await changeNodes((found) => inboundGone(found, place), this.#options);
      this.#unended.forget(place);
      if (isGone) log.info({ node: place }, "the inbound is gone");
    } catch (thrown) {
      this.#unended.onError(place, { node: place }, coerceError(thrown));
    }
  }

  /** A place is no more. */
  left(place: string): void {
    for (const failures of [this.#obstacles, this.#unshown, this.#unended]) failures.forget(place);
    this.#duplicates.delete(place);
  }

  #isToBeFilled(name: string): boolean {
    return this.#options.fleet().nodes.some((node) => node.name === name && isToBeFilled(node));
  }
}

/** Why a node is not active: some of its users could not be put there, or the brake holds. */
class NotFilledError extends Error {
  override readonly name = "NotFilledError";

  constructor(node: string) {
    super(`node ${node} does not hold all of its users yet`);
  }
}
