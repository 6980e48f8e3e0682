import type { Metrics } from "@veil/runtime";
import type { CallOutcome, NodeConnectionOptions } from "./node-connection.ts";

const outcomes = ["ok", "refused", "not-sent", "unknown"] as const satisfies readonly CallOutcome[];

/** Series of nodes beyond this many, all that ever were counted, begin with their first call. */
const STARTED_NODES = 10;

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
    labels: { node: ["each node"], method: [] },
    changing: "node",
  });
  const calls = metrics.counter({
    name: "veil_xray_grpc_calls_total",
    help: "gRPC calls to a node: answered, refused by Xray, not sent, or sent and not answered.",
    labels: { node: ["each node"], method: [], outcome: outcomes },
    changing: "node",
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
