import type { Clock } from "@veil/runtime";
import { type IdentifiedLife, identifyLife, type Life, type NodeLivesStore } from "@veil/traffic";
import { plantProcessMark } from "@veil/xray-grpc";
import type { DuplicateNodes } from "./duplicate-nodes.ts";
import type { MarkedNode } from "./node-counters.ts";

/** What was read while the process was surely in one life. */
export interface Dated<T> extends IdentifiedLife {
  readonly value: T;
  /** A moment at which that life was going on, after everything was read. Unix milliseconds. */
  readonly seenAt: number;
}

const PLANTINGS = 3;
const SLOW_ANSWER_MS = 1_000;
const LOOK_EVERY_MS = 1_000;

interface ShownBy {
  readonly name: string;
  readonly mark: string;
}

/** Tells in which epoch (life of a node's Xray process, as far as its counters go) something was read. */
export class NodeEpochs {
  readonly #store: NodeLivesStore;
  readonly #clock: Pick<Clock, "now" | "monotonic" | "sleep">;
  readonly #newMark: () => string;
  readonly #duplicates: Pick<DuplicateNodes, "check" | "forget">;
  readonly #nodes: () => readonly MarkedNode[];
  /**
   * A look at the marks that all nodes show, which has not begun yet. A node whose mark is new needs one that begins afterwards; where
   * many restarted each would ask all others, so those that come before it begins share it.
   */
  #nextLook: Promise<readonly ShownBy[]> | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #last = new Map<string, IdentifiedLife & { readonly mark: string }>();

  /**
   * @param newMark makes an id that was never used before
   * @param nodes all that there are at each moment: one may show the process that another one led to before
   */
  constructor(
    store: NodeLivesStore,
    clock: Pick<Clock, "now" | "monotonic" | "sleep">,
    newMark: () => string,
    duplicates: Pick<DuplicateNodes, "check" | "forget">,
    nodes: () => readonly MarkedNode[],
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#newMark = newMark;
    this.#duplicates = duplicates;
    this.#nodes = nodes;
  }

  /**
   * Reads something between two looks at the process mark: the same mark on both sides dates it.
   *
   * @throws {ProcessChangedError} when the process ended meanwhile, or somebody removed its mark: try again
   * @throws {DuplicateNodeError} when another node leads to the same process, and is read instead
   * @throws {MarkNotPlantedError} when no mark could be planted
   * @throws {UptimeUnclearError} when the node was slow to tell its uptime: try again
   * @throws {XrayError} when the node can't be read
   * @throws {StoreUnavailableError} when the store is away
   */
  async date<T>(node: MarkedNode, read: (life: Life) => Promise<T>): Promise<Dated<T>> {
    const mark = await this.#markOf(node);
    this.#duplicates.check(node.name, mark);
    const { life, epoch } = await this.#identify(node, mark);
    const value = await read(life);
    const seenAt = this.#clock.now();
    if ((await node.readProcessMark()) !== mark) throw new ProcessChangedError(node.name);
    return { life, epoch, value, seenAt };
  }

  /** Takes in that a node is no more. */
  leave(node: string): void {
    this.#last.delete(node);
  }

  async #markOf(node: MarkedNode): Promise<string> {
    try {
      return await this.#readOrPlant(node);
    } catch (error) {
      this.#duplicates.forget(node.name);
      throw error;
    }
  }

  async #readOrPlant(node: MarkedNode): Promise<string> {
    for (let planting = 0; planting <= PLANTINGS; planting += 1) {
      const mark = await node.readProcessMark();
      if (mark !== null) return mark;
      if (planting < PLANTINGS) await plantProcessMark(node, this.#newMark);
    }
    throw new MarkNotPlantedError(node.name);
  }

  async #identify(node: MarkedNode, mark: string): Promise<IdentifiedLife> {
    const last = this.#last.get(node.name);
    if (last?.mark === mark) return last;
    const { name, address } = node;
    const elsewhere = async () => marksBeside(name, await (this.#nextLook ??= this.#lookSoon()));
    const shown = { node: name, mark, address, elsewhere, startedBefore: () => this.#startedBefore(node) };
    const identified = await identifyLife(this.#store, shown, () => this.#clock.now());
    this.#last.set(node.name, { mark, ...identified });
    return identified;
  }

  async #lookSoon(): Promise<readonly ShownBy[]> {
    await this.#clock.sleep(Math.max(0, this.#lookedAt + LOOK_EVERY_MS - this.#clock.monotonic()));
    this.#nextLook = null;
    this.#lookedAt = this.#clock.monotonic();
    const nodes = this.#nodes();
    const answers = await Promise.allSettled(nodes.map((node) => node.readProcessMark()));
    return answers.flatMap((answer, index) => {
      const [name, mark] = [nodes[index]?.name, answer.status === "fulfilled" ? answer.value : null];
      return name === undefined || mark === null ? [] : [{ name, mark }];
    });
  }

  /** The process has been running since then or longer: the uptime is in whole seconds, and was read before its answer. */
  async #startedBefore(node: MarkedNode): Promise<number> {
    const askedAt = this.#clock.monotonic();
    const uptime = await node.uptimeSeconds();
    if (this.#clock.monotonic() - askedAt > SLOW_ANSWER_MS) throw new UptimeUnclearError(node.name);
    return this.#clock.now() - uptime * 1000;
  }
}

function marksBeside(name: string, shown: readonly ShownBy[]): ReadonlySet<string> {
  return new Set(shown.filter((other) => other.name !== name).map(({ mark }) => mark));
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
