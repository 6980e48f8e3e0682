import { type LifecyclePorts, NodeIndeterminateError, NodeRejectedError, NodeUnreachableError } from "@veil/keys";
import { type ExclusiveTask, passTask, runExclusively } from "@veil/redis";
import {
  countsAgree,
  mayCompareCounts,
  NodeWatch,
  type PassReason,
  type PassRecord,
  type PassResult,
  reconcileNode,
  type ReconciledState,
} from "@veil/reconciler";
import { isSameGroups } from "@veil/nodes";
import type { RunningInbound } from "@veil/protocols";
import { type Clock, type Logger, SaidReasons } from "@veil/runtime";
import { XrayError, type XrayNode } from "@veil/xray-grpc";
import { countUsers, HealthProbes } from "./health-probes.ts";
import { nodeErrors } from "./node-errors.ts";
import { type OrphanBrake, tellOfBrake } from "./orphan-brake.ts";
import type { PassLook, PassRecords } from "./pass-records.ts";
import type { NodeGroups } from "./node-groups.ts";
import { PassLog } from "./pass-log.ts";
import type { XrayNodeUsers } from "./xray-node-users.ts";

export interface ReconcileLoopOptions {
  readonly node: XrayNode;
  readonly users: XrayNodeUsers;
  readonly groups: NodeGroups;
  readonly state: ReconciledState;
  readonly ports: LifecyclePorts;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly passes: PassRecords;
  /** Shared by the nodes of a process: how many of them hold the users of a node in memory at once. */
  readonly atOnce: <T>(pass: () => Promise<T>) => Promise<T>;
  readonly brake: OrphanBrake;
  readonly periodMs: number;
  /** After so long a node's users are listed although their number is right. Milliseconds. */
  readonly listEveryMs: number;
  /** Until then the node is probed, and no pass begins. By the monotonic clock. */
  readonly passesFrom: number;
  /** Without the time of day, which may be set: how long ago a pass was is what counts here. */
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Logger;
  /**
   * Called for each health probe and each pass: whether keys work on the node. Null where the node answers and it is not known
   * yet whether it has its users.
   */
  readonly onProbe: (node: string, isServing: boolean | null) => void;
  readonly onPass: (pass: FinishedPass) => void;
  /** Called when a pass, whoever made it, has made sure that the node holds users of its groups alone. */
  readonly onSorted: (node: string) => void;
  /** Called when a pass of this process has looked how clients get into the inbound. */
  readonly onDescribed: (node: string, runs: RunningInbound) => void;
  /** Called for each pass that this process knows of, whoever made it. */
  readonly onBrake: (node: string, isBraked: boolean) => void;
}

export interface FinishedPass {
  readonly node: string;
  readonly reason: PassReason;
  readonly result: "ok" | "error";
  /** Whether the node holds all that it should since: nobody was left to the next pass, and the brake did not hold. */
  readonly isFilled: boolean;
  readonly durationMs: number;
  /** Left out of a pass that failed. */
  readonly found?: Pick<PassResult, "users" | "drift">;
}

/** The drift where counts alone were compared, and agreed. */
const NO_DRIFT: PassResult["drift"] = { missing: [], wrong: [], indeterminate: [], orphans: [], unknown: [] };

/** After so many health probes without the inbound nobody will put it back. */
const MISSED_FOR_GOOD = 3;

/** An Xray that restarts is an everyday event. */
const LONGER_THAN_A_RESTART_MS = 5_000;

/** A node that lost its users must not wait for others that are merely looked at. */
const WAITING_REASONS: ReadonlySet<PassReason> = new Set(["period", "start", "regrouped"]);

/**
 * Keeps one node reconciled: a health probe at a time, and a pass when the health probe calls for one.
 *
 * Every replica probes; one of them at a time makes the pass, and the others take its word for it until the next period.
 */
export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #watch: NodeWatch;
  readonly #probes: HealthProbes;
  /** When this process last knew of a good pass that had ended, by the monotonic clock. */
  #passedAt = Number.NEGATIVE_INFINITY;
  /** How many health probes have found no inbound, one after the other. */
  #missed = 0;
  /** Since when health probes bring no answer, by the monotonic clock; null while they do. */
  #awaySince: number | null = null;
  /** Why the node does not answer, as far as that is logged. */
  readonly #whyAway = new SaidReasons();
  readonly #passLog: PassLog;

  constructor(options: ReconcileLoopOptions) {
    this.#options = options;
    this.#passLog = new PassLog(options.log);
    this.#watch = new NodeWatch(options.periodMs);
    this.#probes = new HealthProbes(options.node, this.#watch, options.clock);
  }

  /** The connection to the node is gone: it may come back as another process. */
  lost(): void {
    this.#watch.lost();
    this.#options.groups.lost();
  }

  /** The node is in other groups now. */
  regrouped(): void {
    this.#watch.regrouped();
  }

  /**
   * One health probe, and the pass if one is due.
   *
   * @returns false when no pass of this process was due, or another process is at it
   * @throws when a store is away or the node can't be repaired
   */
  async tick(): Promise<boolean> {
    const { exclusive, node, groups, atOnce, clock, passesFrom } = this.#options;
    this.#regroup();
    // As of the groups that the pass is to know of.
    const mayPass = groups.isCertain && clock.monotonic() >= passesFrom;
    const reason = await this.#probe();
    // One that leaves is not put back.
    if (reason === null || !mayPass || (groups.isLeaving && this.#missed > 0)) return false;
    const passOver = () => runExclusively(passTask(node.name, exclusive), () => this.#passUnlessDone(reason));
    const done = await (WAITING_REASONS.has(reason) ? atOnce(passOver) : passOver());
    return done !== null;
  }

  #regroup(): void {
    const { groups } = this.#options;
    const isOther = groups.become();
    if (groups.isLastPassDue() || isOther) this.regrouped();
  }

  async #probe(): Promise<PassReason | null> {
    const { node, groups, clock, onProbe, onSorted } = this.#options;
    try {
      const { users, uptime } = await nodeErrors(node.name, () => this.#probes.next(groups.isLeaving));
      this.#missed = users === null ? this.#missed + 1 : 0;
      this.#noteAnswer(null);
      if (groups.isLeaving && this.#missed >= MISSED_FOR_GOOD) {
        onSorted(node.name);
        return null;
      }
      const reason = this.#watch.seen({ users: users ?? 0, uptime }, clock.monotonic());
      if (this.#watch.holdsUsers !== true) groups.lost();
      onProbe(node.name, users === null ? false : this.#watch.holdsUsers);
      return reason;
    } catch (error) {
      const isAway = error instanceof NodeUnreachableError || error instanceof NodeIndeterminateError;
      // A process that answers and rejects is no Xray of ours: keys work there as little.
      if (!isAway && !(error instanceof NodeRejectedError)) throw error;
      this.#noteAnswer(isAway ? error : null);
      this.lost();
      onProbe(node.name, false);
      if (isAway) return null;
      throw error;
    }
  }

  /** @param err why the last health probe brought no answer; null when it did */
  #noteAnswer(err: Error | null): void {
    const { node, log, clock } = this.#options;
    if (err === null) {
      if (this.#whyAway.end()) log.info({ node: node.name }, "the node answers again");
      this.#awaySince = null;
      return;
    }
    this.#awaySince ??= clock.monotonic();
    const isLasting = clock.monotonic() - this.#awaySince > LONGER_THAN_A_RESTART_MS;
    if (isLasting && this.#whyAway.isNew(err)) log.warn({ node: node.name, err }, "the node does not answer");
  }

  async #passUnlessDone(reason: PassReason): Promise<void> {
    const { node, users, groups, passes, clock, state } = this.#options;
    const { names, version } = groups;
    const askedAt = clock.monotonic();
    const look = await passes.look(node.name);
    // A pass that knew of other groups did something else, and one over an earlier node of this name was about another Xray.
    const { groups: known, version: of } = look.last ?? { groups: null, version: null };
    const isOfThis = known !== null && isSameGroups(known, names) && of === version;
    const { needsListing } = users;
    const mayBeDone = isOfThis && !needsListing;
    if (look.last !== null && mayBeDone && this.#watch.isDoneBy(look.last, askedAt, look.now)) {
      this.#learn(look.last, look.now);
      return;
    }
    const mayCompare = mayBeDone && groups.isSettled && this.#watch.isCalm;
    this.#watch.began();
    // Before the node is looked at: keys that are made in between are then no drift.
    const readAfter = reason === "period" ? this.#passedAt : null;
    if (readAfter !== null) await state.recentDesired(readAfter);
    const compared = mayCompare && readAfter !== null ? await this.#compareCounts(look) : null;
    const record = compared ?? (await this.#passOver(reason, look, readAfter, { names, version }));
    this.#learn(record, await passes.keep(node.name, record));
  }

  async #passOver(
    reason: PassReason,
    look: PassLook,
    readAfter: number | null,
    { names, version }: Pick<NodeGroups, "names" | "version">,
  ): Promise<PassRecord> {
    const { braked, postponed, users, unmanaged } = await this.#pass(reason, look, readAfter);
    await this.#describe();
    // Not later than now, however the shared clock was set: a human's word would wait for it.
    const brakedSince = braked ? Math.min(look.last?.brakedSince ?? look.now, look.now) : null;
    return { begunAt: look.now, listedAt: look.now, postponed, users, unmanaged, brakedSince, groups: names, version };
  }

  /**
   * Instead of a pass: a node that holds as many users as it should is not asked which. A user in the place
   * of another is found by the listing that comes after a while in any case. The state has just been brought up to date.
   *
   * @returns null when the pass has to be made
   */
  async #compareCounts({ last, now }: PassLook): Promise<PassRecord | null> {
    const { node, groups, state, clock, listEveryMs, onPass } = this.#options;
    if (!mayCompareCounts(last, now, listEveryMs)) return null;
    const begun = clock.monotonic();
    const wanted = state.countIn(groups.names);
    const held = await nodeErrors(node.name, () => countUsers(node));
    const isIndeterminate = state.isIndeterminate(node.name);
    if (held === null || !countsAgree(last, { held, wanted, isIndeterminate })) return null;
    const found = { users: wanted, drift: NO_DRIFT };
    onPass({
      node: node.name,
      reason: "period",
      result: "ok",
      isFilled: true,
      durationMs: clock.monotonic() - begun,
      found,
    });
    return { ...last, begunAt: now, users: wanted };
  }

  #learn(record: PassRecord, sharedNow: number): void {
    const { node, groups, clock, onBrake, onProbe, onSorted } = this.#options;
    this.#passedAt = clock.monotonic();
    const listedAt = this.#passedAt - Math.max(0, sharedNow - record.listedAt);
    groups.passed(record.groups ?? [], listedAt, record.postponed === 0 && record.brakedSince === null);
    this.#watch.passed(record, this.#passedAt, sharedNow);
    onProbe(node.name, this.#watch.holdsUsers);
    onBrake(node.name, record.brakedSince !== null);
    if (groups.isSettled) onSorted(node.name);
  }

  /** Links are compared with it. A node that does not tell now is looked at again by a later pass. */
  async #describe(): Promise<void> {
    const { node, onDescribed } = this.#options;
    try {
      const runs = await node.describeInbound();
      if (runs !== null) onDescribed(node.name, runs);
    } catch (error) {
      if (!(error instanceof XrayError)) throw error;
    }
  }

  async #pass(reason: PassReason, look: PassLook, readAfter: number | null): Promise<PassResult> {
    const { node, users, state, ports, log, brake, onPass, clock } = this.#options;
    const begun = clock.monotonic();
    try {
      const found = await reconcileNode(users, state, ports, {
        mayRemoveMost: brake.isReleased(look),
        readAfter,
      });
      const durationMs = clock.monotonic() - begun;
      this.#passLog.tell({ node: node.name, reason, found, durationMs });
      tellOfBrake(log, node.name, look.last, found);
      onPass({ node: node.name, reason, result: "ok", isFilled: found.isFilled, durationMs, found });
      return found;
    } catch (error) {
      onPass({ node: node.name, reason, result: "error", isFilled: false, durationMs: clock.monotonic() - begun });
      throw error;
    }
  }
}
