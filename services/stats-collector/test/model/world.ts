import {
  type Bytes,
  type Direction,
  keyEntity,
  NO_BYTES,
  type NodeLivesStore,
  nodeEntity,
  totals,
  type TrafficStore,
} from "@veil/traffic";
import { type ListedNode, SimulatedCollector } from "./simulated-collector.ts";
import { counterNames, SimulatedNode } from "./simulated-node.ts";
import { Scheduler } from "./scheduler.ts";

/** One thing that happens. Numbers choose among what there is. */
export type Happening =
  | { readonly kind: "step"; readonly choice: number }
  | {
      readonly kind: "bytes";
      readonly node: number;
      readonly key: number;
      readonly up: boolean;
      readonly bytes: number;
    }
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "multiplier"; readonly node: number; readonly multiplier: number }
  /** The settings list the nodes in another way. A collector takes them when it starts next. */
  | { readonly kind: "settings"; readonly choice: number }
  | { readonly kind: "restart" | "away" | "mark-removed"; readonly node: number }
  | { readonly kind: "crash" | "pause" | "reply-lost"; readonly process: number }
  | { readonly kind: "counter-reset"; readonly node: number; readonly key: number; readonly up: boolean };

export interface WorldOptions {
  readonly records: TrafficStore;
  readonly lives: NodeLivesStore;
  /** Reset jobs, by name. A job named twice is run by two processes, as a stalled one is. All are for the first key. */
  readonly resetJobs: readonly string[];
  /** How many steps everybody takes at the end, when all is well again. */
  readonly restingSteps: number;
  /** What bytes count as at first; 1 when left out. */
  readonly multiplier?: number;
}

/** The answer of a reset job, and the bytes that had moved when it was asked for and when it answered. */
export interface ResetOutcome {
  readonly job: string;
  readonly previous: number;
  readonly movedWhenAsked: number;
  readonly movedWhenAnswered: number;
  readonly lostWhenAnswered: number;
}

interface Process {
  collector: SimulatedCollector;
  /** Never ends for a collector; ends with the answer for a reset job. */
  readonly start: (collector: SimulatedCollector) => Promise<void>;
  isDone: boolean;
}

const COLLECTORS = 3;
const KEYS = [1, 2];
/** The tolerance of `addMark`, and how far off an uptime may be: only after it does a removed mark differ from a restart. */
const CERTAIN_AFTER_MS = 5_000 + 2_000;

/** The settings that a world may have: names, the processes they lead to, and addresses. Each leads to both. */
const SETTINGS: readonly (readonly (readonly [name: string, node: number, address: string])[])[] = [
  [
    ["a", 0, "one"],
    ["b", 1, "two"],
  ],
  [
    ["c", 0, "one"],
    ["b", 1, "two"],
  ],
  [
    ["b", 0, "one"],
    ["a", 1, "two"],
  ],
  [
    ["c", 0, "one"],
    ["a", 1, "two"],
  ],
  [
    ["a", 0, "elsewhere"],
    ["b", 1, "two"],
  ],
  [
    ["a", 0, "one"],
    ["d", 0, "elsewhere"],
    ["b", 1, "two"],
  ],
  [
    ["d", 0, "one"],
    ["a", 0, "elsewhere"],
    ["b", 1, "two"],
  ],
];

/** Two nodes, two keys, three collectors and some reset jobs, on given stores; and the truth about their bytes. */
export class World {
  readonly nodes = [new SimulatedNode("a"), new SimulatedNode("b")];
  readonly resets: ResetOutcome[] = [];
  readonly failures: unknown[] = [];
  readonly #options: WorldOptions;
  readonly #scheduler = new Scheduler();
  readonly #processes: Process[] = [];
  readonly #askedAt = new Map<string, number>();
  #settings = 0;
  #isRelisted = false;
  #now = 1_700_000_000_000;
  #marks = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    for (const node of this.nodes) {
      node.startedAt = this.#now - 100_000;
      node.multiplier = options.multiplier ?? 1;
    }
    for (let index = 0; index < COLLECTORS; index += 1) this.#add((collector) => collector.collect());
    for (const job of options.resetJobs) this.#add((collector) => this.#reset(collector, job));
  }

  async apply(happening: Happening): Promise<void> {
    if (happening.kind === "step") await this.#scheduler.step(happening.choice);
    else if (happening.kind === "time") this.#now += happening.ms;
    else if (happening.kind === "settings") this.#relist(happening.choice);
    else if ("process" in happening) this.#happenTo(happening.kind, at(this.#processes, happening.process));
    else if (happening.kind === "mark-removed") await this.#removeMark(at(this.nodes, happening.node));
    else this.#happenAt(happening);
  }

  /** Everything is well again: everybody ends what is under way, all resets are answered, all nodes are read once more. */
  async finish(): Promise<void> {
    for (const node of this.nodes) node.isAway = false;
    this.#scheduler.endPauses();
    const resets = this.#processes.slice(COLLECTORS);
    for (let step = 0; resets.some(({ isDone }) => !isDone) && step < 20_000; step += 1) await this.#scheduler.step(0);
    for (let step = 0; step < this.#options.restingSteps; step += 1) await this.#scheduler.step(0);
    const last = this.#newCollector();
    let isDone = false;
    const reading = last.syncOnce().then(() => {
      isDone = true;
    });
    for (let step = 0; !isDone && step < 20_000; step += 1) await this.#scheduler.step(0);
    if (!isDone) throw new Error("the last reading does not end");
    await reading;
  }

  async shown(keyId: number): Promise<Bytes> {
    return this.#totalOf(keyEntity(keyId));
  }

  async shownByNode(node: SimulatedNode): Promise<Bytes> {
    return this.#totalOf(nodeEntity(node.name));
  }

  /** All bytes of a key on all nodes, or (without a key) of one node's inbound. */
  moved(keyId: number | null, nodes: readonly SimulatedNode[] = this.nodes): number {
    return sumOf(nodes, keyId, (node) => node.moved);
  }

  lost(keyId: number | null, nodes: readonly SimulatedNode[] = this.nodes): number {
    return sumOf(nodes, keyId, (node) => node.lost);
  }

  #add(start: Process["start"]): void {
    const process = { collector: this.#newCollector(), start, isDone: false };
    this.#processes.push(process);
    this.#start(process);
  }

  #start(process: Process): void {
    const ended = (): void => {
      process.isDone = true;
    };
    process.start(process.collector).then(ended, (error: unknown) => this.failures.push(error));
  }

  #newCollector(): SimulatedCollector {
    const { records, lives } = this.#options;
    return new SimulatedCollector({
      scheduler: this.#scheduler,
      listed: this.#listed(),
      keyIds: KEYS,
      records,
      lives,
      now: () => this.#now,
      newMark: () => {
        this.#marks += 1;
        return `mark-${this.#marks}`;
      },
    });
  }

  #listed(): ListedNode[] {
    return at(SETTINGS, this.#settings).map(([name, index, address]) => ({
      name,
      address,
      node: at(this.nodes, index),
    }));
  }

  async #reset(collector: SimulatedCollector, job: string): Promise<void> {
    const movedWhenAsked = this.#askedAt.get(job) ?? this.moved(1);
    this.#askedAt.set(job, movedWhenAsked);
    const { up, down } = await collector.reset(1, job);
    const [movedWhenAnswered, lostWhenAnswered] = [this.moved(1), this.lost(1)];
    this.resets.push({ job, previous: up + down, movedWhenAsked, movedWhenAnswered, lostWhenAnswered });
  }

  #happenTo(kind: "crash" | "pause" | "reply-lost", process: Process): void {
    if (kind === "pause") this.#scheduler.togglePause(process.collector);
    else if (kind === "reply-lost") process.collector.losesReply = true;
    else if (!process.isDone) {
      this.#scheduler.drop(process.collector);
      process.collector = this.#newCollector();
      this.#start(process);
    }
  }

  #happenAt(happening: Extract<Happening, { node: number }>): void {
    const node = at(this.nodes, happening.node);
    if ("key" in happening) {
      const keyId = at(KEYS, happening.key);
      const direction: Direction = happening.up ? "up" : "down";
      if (happening.kind === "bytes") node.move(keyId, direction, happening.bytes);
      else node.resetCounter(keyId, direction);
    } else if (happening.kind === "multiplier") node.multiplier = happening.multiplier;
    else if (happening.kind === "restart") node.restart(this.#now);
    else node.isAway = !node.isAway;
  }

  #relist(choice: number): void {
    this.#settings = choice;
    this.#isRelisted = true;
  }

  /**
   * Somebody removes our mark while the process goes on. Before the mark has dated a later reading under the name in use,
   * nobody could tell.
   */
  async #removeMark(node: SimulatedNode): Promise<void> {
    if (this.#isRelisted) return;
    const lives = await this.#options.lives.find(node.name);
    if (lives !== null && lives.seenAt - CERTAIN_AFTER_MS >= node.startedAt) node.mark = null;
  }

  async #totalOf(entity: string): Promise<Bytes> {
    const record = await this.#options.records.find(entity);
    return record === null ? NO_BYTES : totals(record);
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length];
  if (item === undefined) throw new RangeError("nothing to choose from");
  return item;
}

function sumOf(
  nodes: readonly SimulatedNode[],
  keyId: number | null,
  sums: (node: SimulatedNode) => ReadonlyMap<string, number>,
): number {
  return nodes.flatMap((node) => counterNames(keyId).map((name) => sums(node).get(name) ?? 0)).reduce((a, b) => a + b);
}
