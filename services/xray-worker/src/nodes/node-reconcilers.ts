import { lastingFailure, type PeriodicTask, runLoop, type ServicePart } from "@veil/runtime";
import type { Place } from "@veil/nodes";
import pLimit from "p-limit";
import type { ConnectedPlace } from "./connect-place.ts";
import { type NodeGroups, regroupedOf } from "./node-groups.ts";
import { RedisPassRecords } from "./pass-records.ts";
import { ReconcileLoop, type ReconcileLoopOptions } from "./reconcile-loop.ts";
import type { SharedDesired } from "./shared-desired.ts";

type OfANode = "node" | "users" | "groups" | "passesFrom" | "listEveryMs";

export interface NodeReconcilersOptions extends Omit<ReconcileLoopOptions, OfANode | "state" | "passes" | "atOnce"> {
  readonly state: SharedDesired;
}

const PROBE_EVERY_MS = 1_000;
/** The longest it takes to find users that were swapped behind Veil's back. */
const LIST_EVERY_MS = 9 * 60_000;
/** The users of so many nodes are in memory at once, 200 bytes each; nodes that lost theirs come on top. */
const PASSES_AT_ONCE = 8;

/** Keeps the nodes reconciled, by one loop for each of their inbounds. */
export class NodeReconcilers {
  readonly #loops = new Map<
    string,
    {
      readonly reconcile: ReconcileLoop;
      readonly ticking: PeriodicTask;
      readonly groups: NodeGroups;
      readonly ofNode: string;
    }
  >();
  readonly #options: Omit<ReconcileLoopOptions, OfANode>;

  constructor(options: NodeReconcilersOptions) {
    this.#options = { ...options, passes: new RedisPassRecords(options.exclusive), atOnce: pLimit(PASSES_AT_ONCE) };
  }

  /**
   * Keeps an inbound reconciled until it goes.
   *
   * @param ofNode the name of its node
   * @param passesInMs no pass begins before
   */
  start(part: ServicePart, { node, users, groups }: ConnectedPlace, ofNode: string, passesInMs: number): void {
    const { name } = node;
    const passesFrom = this.#options.clock.monotonic() + passesInMs;
    // Spread, so that the nodes are not listed together.
    const listEveryMs = LIST_EVERY_MS * (1 - Math.random() / 5);
    const reconcile = new ReconcileLoop({ ...this.#options, node, users, groups, passesFrom, listEveryMs });
    const ticking = runLoop(part, `reconciler ${name}`, {
      everyMs: PROBE_EVERY_MS,
      jitter: 0.1,
      task: () => reconcile.tick(),
      ...lastingFailure(this.#options.log, "could not reconcile", { node: name }),
    });
    const loop = { reconcile, ticking, groups, ofNode };
    this.#loops.set(name, loop);
    part.onStop("loops", `trigger ${name}`, () => {
      if (this.#loops.get(name) === loop) this.#loops.delete(name);
    });
  }

  /** Begins a pass over each inbound that is in other groups than before: users move. */
  follow(places: readonly Place[]): void {
    for (const place of places) {
      const loop = this.#loops.get(place.name);
      if (loop?.groups.follow(regroupedOf(place)) !== true) continue;
      loop.reconcile.regrouped();
      void loop.ticking.trigger();
    }
  }

  /** A node begins or ceases to answer. */
  reachableChanged(node: string, reachable: boolean): void {
    for (const { reconcile, ticking, ofNode } of this.#loops.values()) {
      if (ofNode !== node) continue;
      if (reachable) void ticking.trigger();
      else reconcile.lost();
    }
  }
}
