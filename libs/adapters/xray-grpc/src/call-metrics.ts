import type { Metrics } from "@veil/runtime";
import type { CallOutcome, NodeConnectionOptions } from "./node-connection.ts";

const outcomes = ["ok", "rejected", "unreachable", "indeterminate"] as const satisfies readonly CallOutcome[];

/** Series of nodes beyond this many, all that ever were counted, begin with their first call. */
const STARTED_NODES = 10;

/** The values of a label `node`, in words: nodes come and go, and their series with them. */
export const EACH_NODE = ["each node"] as const;
/** That label, for `Metrics.startSeries` and for what a metric says of it. */
export const NODE_LABEL = "node";

type OnCall = NonNullable<NodeConnectionOptions["onCall"]>;

/**
 * Measures the calls to nodes by method.
 *
 * @param methods those of `XrayNode` that the service calls, to be there from the start
 * @returns what a node's `onCall` is to be; the node's series begin at 0 when it is asked for
 */
export function callMetrics(metrics: Metrics, methods: readonly string[]): (node: string) => OnCall {
  const durations = metrics.histogram({
    name: "veil_xray_grpc_duration_seconds",
    help: "Duration of gRPC calls to a node, waiting for a free slot included.",
    labels: { node: EACH_NODE, method: [] },
    changing: NODE_LABEL,
  });
  const calls = metrics.counter({
    name: "veil_xray_grpc_calls_total",
    help: "gRPC calls to a node: answered, rejected by Xray, not sent (unreachable), or sent and not answered (indeterminate).",
    labels: { node: EACH_NODE, method: [], outcome: outcomes },
    changing: NODE_LABEL,
  });
  let started = 0;
  return (node) => {
    started += 1;
    for (const method of started > STARTED_NODES ? [] : methods) {
      durations.zero({ node, method });
      for (const outcome of outcomes) calls.inc({ node, method, outcome }, 0);
    }
    return (method, seconds, outcome) => {
      durations.observe({ node, method }, seconds);
      calls.inc({ node, method, outcome });
    };
  };
}
