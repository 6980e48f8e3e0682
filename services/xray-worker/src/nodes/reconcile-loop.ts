import { type DesiredState, type LifecyclePorts, NodeIndeterminateError, NodeUnreachableError } from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import { NodeWatch, type PassReason, type PassResult, reconcileNode } from "@veil/reconciler";
import type { Clock, Logger } from "@veil/runtime";
import { InboundMissingError, type XrayNode } from "@veil/xray-grpc";
import { nodeErrors } from "./node-errors.ts";
import type { XrayNodeUsers } from "./xray-node-users.ts";

export interface ReconcileLoopOptions {
  readonly node: XrayNode;
  readonly users: XrayNodeUsers;
  readonly state: DesiredState;
  readonly ports: LifecyclePorts;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly periodMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onPass: (pass: FinishedPass) => void;
}

export interface FinishedPass {
  readonly node: string;
  readonly reason: PassReason;
  readonly result: "ok" | "error";
  readonly durationMs: number;
  readonly found?: PassResult;
}

const PASS_LEASE_MS = 5_000;

/**
 * Keeps one node reconciled: a health probe at a time, and a pass when the health probe calls for one.
 *
 * Every replica probes; one of them at a time makes the pass.
 */
export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #watch: NodeWatch;

  constructor(options: ReconcileLoopOptions) {
    this.#options = options;
    this.#watch = new NodeWatch(options.periodMs);
  }

  /** The connection to the node is gone: it may come back as another process. */
  lost(): void {
    this.#watch.lost();
  }

  /** One health probe, and the pass if one is due. @throws when a store is away or the node can't be repaired */
  async tick(): Promise<void> {
    const reason = await this.#probe();
    if (reason === null) return;
    const { exclusive, node, clock } = this.#options;
    const subject = `reconcile:${node.name}`;
    const pass = await runExclusively({ ...exclusive, subject, leaseMs: PASS_LEASE_MS }, () => {
      this.#watch.began();
      return this.#pass(reason);
    });
    if (pass !== null) this.#watch.passed(clock.now(), pass.result);
  }

  async #probe(): Promise<PassReason | null> {
    const { node, clock } = this.#options;
    try {
      const [users, uptime] = await nodeErrors(node.name, () => Promise.all([countUsers(node), node.uptimeSeconds()]));
      return this.#watch.seen({ users, uptime }, clock.now());
    } catch (error) {
      if (!(error instanceof NodeUnreachableError || error instanceof NodeIndeterminateError)) throw error;
      this.#watch.lost();
      return null;
    }
  }

  async #pass(reason: PassReason): Promise<PassResult> {
    const { node, users, state, ports, log, onPass, clock } = this.#options;
    const begun = clock.now();
    try {
      const found = await reconcileNode(users, state, ports);
      const durationMs = clock.now() - begun;
      const { missing, wrong, orphans } = found.drift;
      const drift = { missing: missing.length, wrong: wrong.length, orphans: orphans.length };
      const level = drift.missing + drift.wrong + drift.orphans > 0 ? "warn" : "debug";
      log[level](
        { node: node.name, reason, ...drift, rebuilds: found.rebuilds, postponed: found.postponed, durationMs },
        "reconciled",
      );
      onPass({ node: node.name, reason, result: "ok", durationMs, found });
      return found;
    } catch (error) {
      onPass({ node: node.name, reason, result: "error", durationMs: clock.now() - begun });
      throw error;
    }
  }
}

/** A missing inbound has no users; that it is missing shows in the pass. */
async function countUsers(node: XrayNode): Promise<number> {
  try {
    return await node.countUsers();
  } catch (error) {
    if (error instanceof InboundMissingError) return 0;
    throw error;
  }
}
