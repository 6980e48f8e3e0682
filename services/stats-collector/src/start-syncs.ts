import { type Logger, type RunningService, runLoop } from "@veil/service-runtime";
import type { TrafficStore } from "@veil/traffic-ledger";
import type { MeteredNode } from "./metered-node.ts";
import { NodeSync, type NodeSyncOptions } from "./node-sync.ts";
import { SyncLoop, type SyncLoopOptions } from "./sync-loop.ts";

export interface SyncsOptions extends Omit<NodeSyncOptions, "node" | "records" | "lives"> {
  readonly records: TrafficStore;
  readonly lives: NodeSyncOptions["lives"] & SyncLoopOptions["lives"];
  readonly everyMs: number;
  readonly log: Logger;
  readonly onReport: SyncLoopOptions["onReport"];
}

/** Keeps the bytes of all nodes coming into the ledger until the service stops. @returns the way to read a node at once */
export function startSyncs(running: RunningService, nodes: readonly MeteredNode[], options: SyncsOptions): NodeSync[] {
  return nodes.map((node) => {
    const sync = new NodeSync({ ...options, node });
    const loop = new SyncLoop({ ...options, sync });
    runLoop(running, `sync ${node.name}`, {
      everyMs: options.everyMs,
      task: () => loop.tick(),
      onError: (err) => options.log.warn({ err, node: node.name }, "could not look after the node's traffic"),
    });
    return sync;
  });
}
