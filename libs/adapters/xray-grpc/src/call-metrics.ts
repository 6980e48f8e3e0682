import type { Metrics } from "@veil/runtime";
import type { CallOutcome, NodeConnectionOptions } from "./node-connection.ts";

const outcomes = ["ok", "refused", "not-sent", "unknown"] as const satisfies readonly CallOutcome[];

/** Series beyond this many nodes begin with their first call. */
const STARTED_NODES = 10;

type OnCall = NonNullable<NodeConnectionOptions["onCall"]>;

/**
 * Measures the calls to nodes by method.
 *
 * @param methods those of `XrayNode` that the service calls, to be there from the start
 * @returns what a node's `onCall` is to be
 */
export function callMetrics(
  metrics: Metrics,
  nodes: readonly string[],
  methods: readonly string[],
): (node: string) => OnCall {
  const started = nodes.slice(0, STARTED_NODES).flatMap((node) => methods.map((method) => ({ node, method })));
  const durations = metrics.histogram({
    name: "veil_xray_grpc_duration_seconds",
    help: "Duration of gRPC calls to a node, waiting for a free slot included.",
    labels: { node: nodes, method: [] },
    startWith: started,
  });
  const calls = metrics.counter({
    name: "veil_xray_grpc_calls_total",
    help: "gRPC calls to a node: answered, refused by Xray, not sent, or sent and not answered.",
    labels: { node: nodes, method: [], outcome: outcomes },
    startWith: started.flatMap((series) => outcomes.map((outcome) => ({ ...series, outcome }))),
  });
  return (node) => (method, seconds, outcome) => {
    durations.observe({ node, method }, seconds);
    calls.inc({ node, method, outcome });
  };
}
