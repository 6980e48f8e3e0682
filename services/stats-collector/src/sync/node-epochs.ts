import type { Clock } from "@veil/runtime";
import { addMark, epochOf, type NodeLivesStore } from "@veil/traffic";
import { XrayIndeterminateError } from "@veil/xray-grpc";
import type { MarkedNode } from "./node-counters.ts";

/** What was read while the process was surely in one life. */
export interface Dated<T> {
  readonly epoch: number;
  readonly value: T;
  /** A moment at which that life was going on, after everything was read. Unix milliseconds. */
  readonly seenAt: number;
}

const PLANTINGS = 3;
const SLOW_ANSWER_MS = 1_000;

/** Tells in which epoch (life of a node's Xray process, as far as its counters go) something was read. */
export class NodeEpochs {
  readonly #store: NodeLivesStore;
  readonly #clock: Pick<Clock, "now">;
  readonly #newMark: () => string;
  readonly #last = new Map<string, { readonly mark: string; readonly epoch: number }>();

  /** @param newMark makes an id that was never used before */
  constructor(store: NodeLivesStore, clock: Pick<Clock, "now">, newMark: () => string) {
    this.#store = store;
    this.#clock = clock;
    this.#newMark = newMark;
  }

  /**
   * Reads something between two looks at the process mark: the same mark on both sides dates it.
   *
   * @throws {ProcessChangedError} when the process ended meanwhile, or somebody removed its mark: try again
   * @throws {MarkNotPlantedError} when no mark could be planted
   * @throws {UptimeUnclearError} when the node was slow to tell its uptime: try again
   * @throws {XrayError} when the node can't be read
   * @throws {StoreUnavailableError} when the store is away
   */
  async date<T>(node: MarkedNode, read: (epoch: number) => Promise<T>): Promise<Dated<T>> {
    const mark = await this.#markOf(node);
    const epoch = await this.#epochOf(node, mark);
    const value = await read(epoch);
    const seenAt = this.#clock.now();
    if ((await node.readProcessMark()) !== mark) throw new ProcessChangedError(node.name);
    return { epoch, value, seenAt };
  }

  async #markOf(node: MarkedNode): Promise<string> {
    for (let planting = 0; planting <= PLANTINGS; planting += 1) {
      const mark = await node.readProcessMark();
      if (mark !== null) return mark;
      if (planting < PLANTINGS) await this.#plant(node);
    }
    throw new MarkNotPlantedError(node.name);
  }

  /** A fresh id every time: one whose planting got no answer may turn up in a later life. */
  async #plant(node: MarkedNode): Promise<void> {
    try {
      await node.plantProcessMark(this.#newMark());
    } catch (error) {
      if (!(error instanceof XrayIndeterminateError)) throw error;
    }
  }

  async #epochOf(node: MarkedNode, mark: string): Promise<number> {
    const last = this.#last.get(node.name);
    if (last?.mark === mark) return last.epoch;
    const epoch = await this.#register(node, mark);
    this.#last.set(node.name, { mark, epoch });
    return epoch;
  }

  async #register(node: MarkedNode, mark: string): Promise<number> {
    const startedBefore = await this.#startedBefore(node);
    while (true) {
      const lives = await this.#store.find(node.name);
      const epoch = epochOf(lives, mark);
      if (epoch !== undefined) return epoch;
      const added = addMark(lives, node.name, mark, startedBefore, this.#clock.now());
      if (await this.#store.replace(lives, added)) return epochOf(added, mark) ?? 0;
    }
  }

  /** The process has been running since then or longer: the uptime is in whole seconds, and was read before its answer. */
  async #startedBefore(node: MarkedNode): Promise<number> {
    const askedAt = this.#clock.now();
    const uptime = await node.uptimeSeconds();
    const answeredAt = this.#clock.now();
    if (answeredAt - askedAt > SLOW_ANSWER_MS) throw new UptimeUnclearError(node.name);
    return answeredAt - uptime * 1000;
  }
}

/** Thrown when a node took so long to tell its uptime that it does not say when the process began. */
export class UptimeUnclearError extends Error {
  override readonly name = "UptimeUnclearError";
  readonly node: string;

  constructor(node: string) {
    super(`node ${node} took too long to tell its uptime`);
    this.node = node;
  }
}

/** Thrown when a node's process ended, or its mark was removed, while it was read. */
export class ProcessChangedError extends Error {
  override readonly name = "ProcessChangedError";
  readonly node: string;

  constructor(node: string) {
    super(`the process of node ${node} ended or lost its mark while it was read`);
    this.node = node;
  }
}

/** Thrown when a node has no mark after several attempts to plant one. */
export class MarkNotPlantedError extends Error {
  override readonly name = "MarkNotPlantedError";
  readonly node: string;

  constructor(node: string) {
    super(`node ${node} has no process mark after ${PLANTINGS} attempts to plant one`);
    this.node = node;
  }
}
