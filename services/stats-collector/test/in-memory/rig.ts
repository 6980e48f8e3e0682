import { sees, type Viewer } from "@veil/keys";
import { ManualClock } from "@veil/runtime";
import type { LedgerUpdate, TrafficRecord } from "@veil/traffic";
import { InMemoryNodeLivesStore, InMemoryTrafficStore } from "@veil/traffic/testing";
import type { ActiveKeys } from "../../src/active-keys.ts";
import { DuplicateNodes } from "../../src/sync/duplicate-nodes.ts";
import { NodeEpochs } from "../../src/sync/node-epochs.ts";
import { NodeSync, type NodeSyncOptions } from "../../src/sync/node-sync.ts";
import { PlainNode } from "./plain-node.ts";

/** When every test begins. Unix milliseconds. */
export const BEGIN = 1_700_000_000_000;

/** A collector's parts on nodes and stores in memory. */
export class Rig {
  readonly clock = new ManualClock(BEGIN);
  readonly records = new InMemoryTrafficStore();
  readonly lives = new InMemoryNodeLivesStore();
  readonly nodes: readonly PlainNode[];
  readonly active = new Set<number>([1, 2, 3]);
  /** Keys that are in no state, as their records make no sense. */
  readonly unreadable = new Set<number>();
  /** Whose keys these are; those that are not named are nobody's. */
  readonly owners = new Map<number, string>();
  readonly keys: ActiveKeys = {
    count: async (viewer) => this.#seen(viewer).length,
    among: async (keyIds, viewer) => new Set(this.#seen(viewer).filter((keyId) => keyIds.includes(keyId))),
    kept: async (keyIds) => new Set(keyIds.filter((keyId) => this.active.has(keyId) || this.unreadable.has(keyId))),
  };
  /** How many keys were read by listing them. */
  idsRead = 0;
  readonly keyReader = { listKeptIds: () => this.#listKeptIds() };
  readonly noticed: TrafficRecord[] = [];
  readonly onRecord = (record: TrafficRecord): void => {
    this.noticed.push(record);
  };
  /** The updates that syncs have brought into the ledger. */
  readonly booked: LedgerUpdate[] = [];
  /** How every reading ended. */
  readonly synced: string[] = [];
  /** The log lines about duplicate nodes, and the values of the metric. */
  readonly said: string[] = [];
  #marks = 0;

  constructor(names: readonly string[] = ["main"]) {
    this.nodes = names.map((name) => new PlainNode(name, () => this.clock.now()));
    for (const node of this.nodes) node.xray.startedAt = BEGIN - 60_000;
  }

  get node(): PlainNode {
    const [node] = this.nodes;
    if (node === undefined) throw new RangeError("the rig has no node");
    return node;
  }

  /** The epochs as one more collector knows them. */
  epochs(nodes: readonly string[] = this.nodes.map(({ name }) => name)): NodeEpochs {
    const newMark = (): string => {
      this.#marks += 1;
      return `mark-${this.#marks}`;
    };
    const saying = (level: string) => (_fields: unknown, message?: string) =>
      void this.said.push(`${level}: ${message}`);
    const log = { info: saying("info"), error: saying("error") };
    const onDuplicate = (node: string, isDuplicate: boolean): void => {
      this.said.push(`${node} ${isDuplicate}`);
    };
    const duplicates = new DuplicateNodes({ nodes: () => nodes, log, onDuplicate });
    return new NodeEpochs(this.lives, this.clock, newMark, duplicates, () => this.nodes);
  }

  /** One more collector's sync of a node. */
  sync(node: PlainNode = this.node, epochs = this.epochs(), lives: NodeSyncOptions["lives"] = this.lives): NodeSync {
    const { records, keys, clock, onRecord } = this;
    const onSynced = (name: string, durationMs: number, result: "ok" | "error"): void => {
      this.synced.push(`${name} ${result} ${durationMs}`);
    };
    const onBooked = (updates: readonly LedgerUpdate[]): void => void this.booked.push(...updates);
    return new NodeSync({ node, epochs, records, lives, keys, clock, onRecord, onBooked, onSynced });
  }

  /** The parts that refreshes and resets share. */
  shared() {
    const { nodes, records, keys, clock, onRecord } = this;
    return { nodes: () => nodes, epochs: this.epochs(), records, keys, clock, onRecord };
  }

  #seen(viewer: Viewer): number[] {
    return [...this.active].filter((keyId) => sees(viewer, { owner: this.owners.get(keyId) ?? null }));
  }

  async *#listKeptIds(): AsyncGenerator<readonly number[]> {
    this.idsRead += this.active.size;
    yield [...this.active];
    yield [...this.unreadable];
  }
}
