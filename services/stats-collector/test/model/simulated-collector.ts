import type { JobResult } from "@veil/job-contract";
import { compact, keyEntity, type NodeLivesStore, type TrafficRecord, type TrafficStore } from "@veil/traffic";
import { XrayError, XrayUnreachableError } from "@veil/xray-grpc";
import { DuplicateNodeError, DuplicateNodes } from "../../src/sync/duplicate-nodes.ts";
import type { MeteredNode } from "../../src/sync/node-counters.ts";
import {
  MarkNotPlantedError,
  NodeEpochs,
  ProcessChangedError,
  UptimeUnclearError,
} from "../../src/sync/node-epochs.ts";
import { NodeSync } from "../../src/sync/node-sync.ts";
import { TrafficRefresher } from "../../src/jobs/refresh-traffic.ts";
import { resetTraffic } from "../../src/jobs/reset-traffic.ts";
import { lostReply } from "../in-memory/lost-reply.ts";
import { INBOUND_TAGS, type ReadValue, type SimulatedNode } from "./simulated-node.ts";
import type { Scheduler } from "./scheduler.ts";

/** A node as a collector's settings list it. */
export interface ListedNode {
  readonly name: string;
  readonly address: string;
  /** The process that it leads to. */
  readonly node: SimulatedNode;
}

/** The world that all simulated collectors share. */
export interface SharedWorld {
  readonly scheduler: Scheduler;
  /** The nodes of the settings with which a collector starts. */
  readonly listed: readonly ListedNode[];
  readonly keyIds: readonly number[];
  readonly records: TrafficStore;
  readonly lives: NodeLivesStore;
  readonly now: () => number;
  readonly newMark: () => string;
}

/** The values that the operation under way has read; the next one begins a new list. */
interface ReadLog {
  values: ReadValue[];
}

const NEVER = 1e15;

/**
 * One life of one collector: the real code on ports that wait for the scheduler before a call takes effect and again before its
 * reply comes, and that can lose the reply.
 */
export class SimulatedCollector {
  /** The next reply that this collector waits for is lost. */
  losesReply = false;
  readonly #world: SharedWorld;
  readonly #syncs: readonly NodeSync[];
  readonly #refresher: TrafficRefresher;
  readonly #records;
  /** As this collector knows them. */
  readonly #multipliers = new Map<SimulatedNode, number>();
  readonly #shared;
  readonly #read: ReadLog = { values: [] };
  /** Apart, as a refresh that failed may go on reading other keys beside the next operation. */
  readonly #readByRefreshes: ReadLog = { values: [] };

  constructor(world: SharedWorld) {
    this.#world = world;
    const clock = { now: world.now, monotonic: world.now, sleep: () => new Promise<void>(() => undefined) };
    // A limit is never reached; a pause between two looks is over at once.
    const pausing = { ...clock, sleep: async () => undefined };
    const records = this.#recordsPort();
    this.#records = records;
    const names = world.listed.map(({ name }) => name);
    const log = { error: () => undefined, info: () => undefined };
    const duplicates = new DuplicateNodes({ nodes: () => names, log, onDuplicate: () => undefined });
    const nodes = world.listed.map((listed) => this.#nodePort(listed, this.#read));
    const epochs = new NodeEpochs(this.#livesPort(), pausing, world.newMark, duplicates, () => nodes);
    const keys = {
      count: async () => world.keyIds.length,
      among: async (ids: readonly number[]) => new Set(ids),
      kept: async (ids: readonly number[]) => new Set(ids),
    };
    const onRecord = (): void => undefined;
    this.#shared = { nodes: () => nodes, epochs, records, keys, clock, onRecord };
    const onSynced = (): void => undefined;
    const onBooked = onSynced;
    this.#syncs = nodes.map(
      (node) => new NodeSync({ ...this.#shared, node, lives: this.#livesPort(), onBooked, onSynced }),
    );
    const refreshed = world.listed.map((listed) => this.#nodePort(listed, this.#readByRefreshes));
    this.#refresher = new TrafficRefresher({
      ...this.#shared,
      nodes: () => refreshed,
      log: { debug: () => undefined },
    });
  }

  /** Reads the nodes again and again, now and then a single key, and compacts what has grown. */
  async collect(): Promise<void> {
    for (let round = 0; ; round += 1) {
      for (const { node } of this.#world.listed) this.#multipliers.set(node, node.multiplier);
      await this.syncOnce();
      if (round % 2 === 1) await this.#refreshAll();
      if (round % 3 === 2) await this.#tolerate(() => this.#compactAll());
    }
  }

  /** Reads every node once; a node that can't be read is left out. */
  async syncOnce(): Promise<void> {
    for (const sync of this.#syncs) await this.#creditWhenDone(this.#read, () => sync.run());
  }

  /** Runs a reset job until it has its answer. */
  async reset(keyId: number, job: string): Promise<{ readonly up: number; readonly down: number }> {
    while (true) {
      const request = { keyId, owner: null, job, deadline: NEVER };
      const result = await this.#creditWhenDone(this.#read, () => resetTraffic(request, this.#shared));
      if (result?.outcome === "reset") return { up: result.previous_upload, down: result.previous_download };
    }
  }

  async #refreshAll(): Promise<void> {
    await this.#creditWhenDone(this.#readByRefreshes, async () => {
      const results = await Promise.all(this.#world.keyIds.map((keyId, index) => this.#refresh(keyId, index * 2)));
      return results.every(({ outcome }) => outcome === "fresh") ? results : undefined;
    });
  }

  /** After some steps, so that one key may be asked for while another one is read. */
  async #refresh(keyId: number, steps: number): Promise<JobResult<"refresh-traffic">> {
    for (let step = 0; step < steps; step += 1) await this.#world.scheduler.untilScheduled(this);
    return this.#refresher.refresh(keyId);
  }

  /** Sooner than the real compactor would. */
  async #compactAll(): Promise<void> {
    for (const keyId of this.#world.keyIds) {
      const record = await this.#records.find(keyEntity(keyId));
      if (record !== null && hasGrown(record)) await this.#records.replace(record, compact(record));
    }
  }

  /** Values count as read once the operation that read them has ended well. */
  async #creditWhenDone<T>(log: ReadLog, operation: () => Promise<T>): Promise<T | undefined> {
    log.values = [];
    const result = await this.#tolerate(operation);
    const isDone = result !== undefined && !isUnavailable(result);
    if (isDone) for (const value of log.values) value.node.credit(value);
    return result;
  }

  async #tolerate<T>(operation: () => Promise<T>): Promise<T | undefined> {
    try {
      return await operation();
    } catch (error) {
      if (isExpected(error)) return undefined;
      throw error;
    }
  }

  async #call<T>(effect: () => Promise<T>, lost: () => Error): Promise<T> {
    const { scheduler } = this.#world;
    await scheduler.untilScheduled(this);
    const result = await scheduler.work(effect);
    await scheduler.untilScheduled(this);
    if (!this.losesReply) return result;
    this.losesReply = false;
    throw lost();
  }

  #nodePort({ name, address, node }: ListedNode, log: ReadLog): MeteredNode {
    const { now } = this.#world;
    const call = <T>(method: string, effect: () => T): Promise<T> =>
      this.#call(
        async () => {
          if (node.isAway) throw new XrayUnreachableError(name, method, "no-connection", "away");
          return effect();
        },
        () => lostReply(name, method),
      );
    /** For the operation that made the call; what it left behind may be answered in the middle of the next one. */
    const notes = (): ((name: string, value: number) => void) => {
      const read = log.values;
      return (counter, value) => read.push({ node, life: node.life, name: counter, value });
    };
    return {
      name,
      address,
      inboundTags: () => INBOUND_TAGS,
      multiplier: () => this.#multipliers.get(node) ?? node.multiplier,
      readProcessMark: () => call("readProcessMark", () => node.mark),
      plantProcessMark: (id) =>
        call("plantProcessMark", () => {
          if (node.mark !== null) return "taken";
          node.mark = id;
          return "planted";
        }),
      uptimeSeconds: () => call("uptimeSeconds", () => node.uptimeSeconds(now())),
      queryCounters: (pattern) => {
        const note = notes();
        return call("queryCounters", () => {
          const counters = node.query(pattern);
          for (const counter of counters) note(counter.name, counter.value);
          return counters;
        });
      },
      readCounter: (counter) => {
        const note = notes();
        return call("readCounter", () => {
          const value = node.counters.get(counter);
          if (value !== undefined) note(counter, value);
          return value ?? null;
        });
      },
    };
  }

  #recordsPort(): Pick<TrafficStore, "find" | "findMany" | "write" | "writeMany" | "replace"> {
    const { records } = this.#world;
    return {
      find: (entity) => this.#stored(() => records.find(entity)),
      findMany: (entities) => this.#stored(() => records.findMany(entities)),
      write: (update) => this.#stored(() => records.write(update)),
      writeMany: (updates) => this.#stored(() => records.writeMany(updates)),
      replace: (before, after) => this.#stored(() => records.replace(before, after)),
    };
  }

  #livesPort(): NodeLivesStore {
    const { lives } = this.#world;
    return {
      find: (node) => this.#stored(() => lives.find(node)),
      list: () => this.#stored(() => lives.list()),
      names: () => this.#stored(() => lives.names()),
      remove: (each) => this.#stored(() => lives.remove(each)),
      replace: (before, after) => this.#stored(() => lives.replace(before, after)),
      raiseSeen: (node, epoch, at) => this.#stored(() => lives.raiseSeen(node, epoch, at)),
      findClaim: (mark) => this.#stored(() => lives.findClaim(mark)),
      claim: (mark, life) => this.#stored(() => lives.claim(mark, life)),
      claimInbound: (life, tag) => this.#stored(() => lives.claimInbound(life, tag)),
      removeClaims: (marks) => this.#stored(() => lives.removeClaims(marks)),
    };
  }

  #stored<T>(effect: () => Promise<T>): Promise<T> {
    return this.#call(effect, () => new ReplyLostError());
  }
}

/** A small size, so that records are compacted often. */
function hasGrown({ live, log }: TrafficRecord): boolean {
  return log.length > 1 || Object.keys(live).length > 3;
}

function isUnavailable(result: unknown): boolean {
  return typeof result === "object" && result !== null && "outcome" in result && result.outcome === "unavailable";
}

function isExpected(error: unknown): boolean {
  return EXPECTED.some((kind) => error instanceof kind);
}

/** The error of a store whose reply is lost. */
class ReplyLostError extends Error {}

const EXPECTED = [
  ReplyLostError,
  XrayError,
  ProcessChangedError,
  DuplicateNodeError,
  MarkNotPlantedError,
  UptimeUnclearError,
];
