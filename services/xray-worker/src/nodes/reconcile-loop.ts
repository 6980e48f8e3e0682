import { type LifecyclePorts, NodeIndeterminateError, NodeUnreachableError } from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import {
  NodeWatch,
  type PassReason,
  type PassRecord,
  type PassResult,
  reconcileNode,
  type ReconciledState,
} from "@veil/reconciler";
import type { Clock, Logger } from "@veil/runtime";
import { InboundMissingError, type XrayNode } from "@veil/xray-grpc";
import { nodeErrors } from "./node-errors.ts";
import { passLock } from "./pass-lock.ts";
import { type OrphanBrake, tellOfBrake } from "./orphan-brake.ts";
import type { PassLook, PassRecords } from "./pass-records.ts";
import type { XrayNodeUsers } from "./xray-node-users.ts";

export interface ReconcileLoopOptions {
  readonly node: XrayNode;
  readonly users: XrayNodeUsers;
  readonly state: ReconciledState;
  readonly ports: LifecyclePorts;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly passes: PassRecords;
  /** Shared by the nodes of a process: how many of them hold the users of a node in memory at once. */
  readonly atOnce: <T>(pass: () => Promise<T>) => Promise<T>;
  readonly brake: OrphanBrake;
  readonly periodMs: number;
  /** Until then the node is probed, and no pass begins. Milliseconds since the epoch. */
  readonly passesFrom: number;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Called for each health probe and each pass: whether keys work on the node. Null where the node answers and it is not known
   * yet whether it has its users.
   */
  readonly onProbe: (node: string, isServing: boolean | null) => void;
  readonly onPass: (pass: FinishedPass) => void;
  /** Called for each pass that this process knows of, whoever made it. */
  readonly onBrake: (node: string, isBraked: boolean) => void;
}

export interface FinishedPass {
  readonly node: string;
  readonly reason: PassReason;
  readonly result: "ok" | "error";
  readonly durationMs: number;
  readonly found?: PassResult;
}

/**
 * Keeps one node reconciled: a health probe at a time, and a pass when the health probe calls for one.
 *
 * Every replica probes; one of them at a time makes the pass, and the others take its word for it until the next period.
 */
export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #watch: NodeWatch;
  /** When this process last knew of a good pass that had ended. */
  #passedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReconcileLoopOptions) {
    this.#options = options;
    this.#watch = new NodeWatch(options.periodMs);
  }

  /** The connection to the node is gone: it may come back as another process. */
  lost(): void {
    this.#watch.lost();
  }

  /**
   * One health probe, and the pass if one is due.
   *
   * @returns false when no pass of this process was due, or another process is at it
   * @throws when a store is away or the node can't be repaired
   */
  async tick(): Promise<boolean> {
    const reason = await this.#probe();
    const { exclusive, node, atOnce, clock, passesFrom } = this.#options;
    if (reason === null || clock.now() < passesFrom) return false;
    const passOver = () => runExclusively(passLock(node.name, exclusive), () => this.#passUnlessDone(reason));
    // A node that lost its users must not wait for others that are merely looked at.
    const done = await (reason === "period" || reason === "start" ? atOnce(passOver) : passOver());
    return done !== null;
  }

  async #probe(): Promise<PassReason | null> {
    const { node, clock, onProbe } = this.#options;
    try {
      const [users, uptime] = await nodeErrors(node.name, () => Promise.all([countUsers(node), node.uptimeSeconds()]));
      const reason = this.#watch.seen({ users: users ?? 0, uptime }, clock.now());
      onProbe(node.name, users === null ? false : this.#watch.holdsUsers);
      return reason;
    } catch (error) {
      if (!(error instanceof NodeUnreachableError || error instanceof NodeIndeterminateError)) throw error;
      this.#watch.lost();
      onProbe(node.name, false);
      return null;
    }
  }

  async #passUnlessDone(reason: PassReason): Promise<void> {
    const { node, passes, clock, state } = this.#options;
    const askedAt = clock.now();
    const look = await passes.look(node.name);
    if (look.last !== null && this.#watch.isDoneBy(look.last, askedAt, look.now)) {
      this.#learn(look.last, look.now);
      return;
    }
    this.#watch.began();
    // Before the node is looked at: keys that are made in between are then no drift.
    const readAfter = reason === "period" ? this.#passedAt : null;
    if (readAfter !== null) await state.recentDesired(readAfter);
    const { braked, postponed, users } = await this.#pass(reason, look, readAfter);
    const brakedSince = braked ? (look.last?.brakedSince ?? look.now) : null;
    const record = { begunAt: look.now, postponed, users, brakedSince };
    this.#learn(record, await passes.keep(node.name, record));
  }

  #learn(record: PassRecord, sharedNow: number): void {
    const { node, clock, onBrake, onProbe } = this.#options;
    this.#passedAt = clock.now();
    this.#watch.passed(record, this.#passedAt, sharedNow);
    onProbe(node.name, true);
    onBrake(node.name, record.brakedSince !== null);
  }

  async #pass(reason: PassReason, look: PassLook, readAfter: number | null): Promise<PassResult> {
    const { node, users, state, ports, log, brake, onPass, clock } = this.#options;
    const begun = clock.now();
    try {
      const found = await reconcileNode(users, state, ports, {
        mayRemoveMost: brake.isReleased(look),
        readAfter,
      });
      const durationMs = clock.now() - begun;
      const { missing, wrong, orphans } = found.drift;
      const drift = { missing: missing.length, wrong: wrong.length, orphans: orphans.length };
      const level = drift.missing + drift.wrong + drift.orphans > 0 && !found.braked ? "warn" : "debug";
      log[level](
        { node: node.name, reason, ...drift, rebuilds: found.rebuilds, postponed: found.postponed, durationMs },
        "reconciled",
      );
      tellOfBrake(log, node.name, look.last, found);
      onPass({ node: node.name, reason, result: "ok", durationMs, found });
      return found;
    } catch (error) {
      onPass({ node: node.name, reason, result: "error", durationMs: clock.now() - begun });
      throw error;
    }
  }
}

/** @returns null where the inbound is missing, which the pass mends if it can */
async function countUsers(node: XrayNode): Promise<number | null> {
  try {
    return await node.countUsers();
  } catch (error) {
    if (error instanceof InboundMissingError) return null;
    throw error;
  }
}
