import { type PeriodicTask, type RunningService, runLoop } from "@veil/runtime";
import type { ConnectedNode } from "./connect-nodes.ts";
import { ReconcileLoop, type ReconcileLoopOptions } from "./reconcile-loop.ts";

export type NodeReconcilersOptions = Omit<ReconcileLoopOptions, "node" | "users">;

const PROBE_EVERY_MS = 1_000;

/** What keeps the nodes reconciled, one loop for each. */
export class NodeReconcilers {
  readonly #loops = new Map<string, { readonly reconcile: ReconcileLoop; readonly ticking: PeriodicTask }>();

  /** Keeps these nodes reconciled until the service stops. */
  start(running: RunningService, nodes: readonly ConnectedNode[], options: NodeReconcilersOptions): void {
    for (const { node, users } of nodes) {
      const reconcile = new ReconcileLoop({ ...options, node, users });
      const ticking = runLoop(running, `reconciler ${node.name}`, {
        everyMs: PROBE_EVERY_MS,
        jitter: 0.1,
        task: () => reconcile.tick(),
        onError: (err) => options.log.warn({ err, node: node.name }, "could not reconcile"),
      });
      this.#loops.set(node.name, { reconcile, ticking });
    }
  }

  /** A node begins or ceases to answer. */
  reachableChanged(node: string, reachable: boolean): void {
    const loop = this.#loops.get(node);
    if (reachable) void loop?.ticking.trigger();
    else loop?.reconcile.lost();
  }
}
