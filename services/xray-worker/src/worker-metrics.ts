import { eventTypes, type VeilEvent } from "@veil/events";
import { type JobStep, jobMetrics } from "@veil/job-queue";
import type { Clock, Metrics } from "@veil/runtime";
import { callMetrics, EACH_NODE, NODE_LABEL } from "@veil/xray-grpc";
import { type WebhookMetrics, webhookMetrics } from "./webhooks/webhook-metrics.ts";
import type { WaitingEvents } from "./events/relay-loop.ts";
import type { NodeCertificateEnds } from "./nodes/connect-node.ts";
import type { FinishedPass } from "./nodes/reconcile-loop.ts";
import type { DesiredRead } from "./nodes/shared-desired.ts";
import type { KeyEnding } from "./jobs/key-job-handlers.ts";

export interface WorkerMetrics {
  jobStep(step: JobStep): void;
  keyEnded(ending: KeyEnding): void;
  pass(pass: FinishedPass): void;
  /** Called when the desired state was read from MongoDB. */
  desiredRead(kind: DesiredRead): void;
  braked(node: string, isBraked: boolean): void;
  configFile(result: ConfigFileResult): void;
  /** A look at which nodes Kubernetes has was taken, or could not be. */
  discoveryLook(result: DiscoveryLookResult): void;
  /** Whether this worker's discovery keeps all nodes, because most look away. */
  discoveryBraked(isBraked: boolean): void;
  /** Whether most keys looked expired long ago when this worker looked last, so that it deleted none. */
  deletionBraked(isBraked: boolean): void;
  blocked(node: string, users: number): void;
  /** When certificates for a node end; null once it goes without. */
  certificates(node: string, ends: NodeCertificateEnds | null): void;
  /** So many keys were due and have been looked at together. */
  dueApplied(keys: number, durationMs: number): void;
  /** Events that were logged just now. */
  eventsRelayed(events: readonly Pick<VeilEvent, "type" | "at">[]): void;
  /** Called with the events that wait to be logged. */
  eventsWaiting(waiting: WaitingEvents): void;
  readonly webhooks: WebhookMetrics;
  /** Gives the `onCall` of a node. */
  readonly callsOf: ReturnType<typeof callMetrics>;
}

export interface WorkerMetricsOptions {
  readonly metrics: Metrics;
  /** Names of the nodes that there are at each moment; their own series are begun and ended with them. */
  readonly nodes: () => readonly string[];
  readonly clock: Pick<Clock, "monotonic" | "now">;
  /** The longest time between two passes over a node, whoever makes them. */
  readonly passPeriodMs: number;
}

const certificateKinds = ["ca", "client", "server"] as const;
const configFileResults = ["written", "unchanged", "error"] as const;
type ConfigFileResult = (typeof configFileResults)[number];
const discoveryLookResults = ["ok", "error"] as const;
type DiscoveryLookResult = (typeof discoveryLookResults)[number];

const driftKinds = ["missing", "wrong", "orphan"] as const;
type Drift = Readonly<Record<(typeof driftKinds)[number], number>>;
const noDrift: Drift = { missing: 0, wrong: 0, orphan: 0 };

const calledMethods = [
  "addUser",
  "removeUser",
  "listUsers",
  "countUsers",
  "uptimeSeconds",
  "listInbounds",
  "removeInbound",
  "addInbound",
  "blockUser",
  "unblockUsers",
  "listBlockedUsers",
  "readCounter",
];

/** The worker's own metrics; every series exists at 0 from the start, those of a node from its joining. */
export function workerMetrics({ metrics, nodes, clock, passPeriodMs }: WorkerMetricsOptions): WorkerMetrics {
  const keyEnded = keyMetrics(metrics);
  const jobStep = jobMetrics(metrics, "veil-keys", "veil-webhooks");
  const passes = metrics.counter({
    name: "veil_reconcile_total",
    help: "Reconcile passes by node and result.",
    labels: { node: EACH_NODE, result: ["ok", "error"] },
    changing: NODE_LABEL,
  });
  const passSeconds = metrics.histogram({
    name: "veil_reconcile_duration_seconds",
    help: "Duration of a reconcile pass.",
    labels: { node: EACH_NODE },
    changing: NODE_LABEL,
  });
  const desiredReads = metrics.counter({
    name: "veil_desired_reads_total",
    help: "Reads of what nodes should hold: of all keys, or of those that changed.",
    labels: { kind: ["all", "changed"] },
  });
  const drift = driftMetrics({ metrics, nodes, clock, passPeriodMs });
  const brake = metrics.gauge({
    name: "veil_reconcile_brake",
    help: "1 while passes leave the node as it is, because MongoDB has no record of most of its users, or one with another secret.",
    labels: { node: EACH_NODE },
    changing: NODE_LABEL,
  });
  const blocked = metrics.gauge({
    name: "veil_blocked_users",
    help: "Removed users whose further streams the node blocks.",
    labels: { node: EACH_NODE },
    changing: NODE_LABEL,
  });
  const certificates = metrics.gauge({
    name: "veil_node_certificate_expiry_timestamp_seconds",
    help: "When a certificate ends that the connection to a node needs, in Unix time; 0 where there is none.",
    labels: { node: EACH_NODE, certificate: certificateKinds },
    changing: NODE_LABEL,
  });
  const configFile = metrics.counter({
    name: "veil_config_file_total",
    help: "Attempts to bring Xray's config file up to date, by result.",
    labels: { result: configFileResults },
  });
  const looks = metrics.counter({
    name: "veil_discovery_looks_total",
    help: "Looks at which nodes Kubernetes has, by result; none without XRAY_DISCOVERY_SERVICE.",
    labels: { result: discoveryLookResults },
  });
  const discoveryBrake = metrics.gauge({
    name: "veil_discovery_brake",
    help: "1 while no node is drained or deleted, because more than half of those that Kubernetes had are not ready.",
  });
  const deletionBrake = metrics.gauge({
    name: "veil_deletion_brake",
    help: "1 while no expired key is deleted, because more than 50 and most of all would be.",
  });
  const dueKeys = metrics.counter({
    name: "veil_due_keys_total",
    help: "Keys that were looked at because time or traffic made something due about them.",
  });
  const events = metrics.counter({
    name: "veil_events_total",
    help: "Events that were logged, by type.",
    labels: { type: eventTypes },
  });
  const waiting = metrics.gauge({
    name: "veil_event_oldest_waiting_seconds",
    help: "For how long the oldest event that is not in the log has been waiting; 0 while none is.",
  });
  const writesWaiting = metrics.gauge({
    name: "veil_event_writes_waiting",
    help: "Writes whose events may not be in the log yet.",
  });
  const relaySeconds = metrics.histogram({
    name: "veil_event_relay_seconds",
    help: "Time from what happened until its event was in the log.",
  });
  const dueSeconds = metrics.histogram({
    name: "veil_due_keys_duration_seconds",
    help: "Duration of carrying out what was due about keys that were due together.",
  });
  return {
    jobStep,
    keyEnded,
    dueApplied: (keys, durationMs) => {
      dueKeys.inc({}, keys);
      dueSeconds.observe({}, durationMs / 1_000);
    },
    eventsWaiting: ({ writes, sinceMs }) => {
      waiting.set({}, sinceMs / 1_000);
      writesWaiting.set({}, writes);
    },
    eventsRelayed: (relayed) => {
      for (const { type, at } of relayed) {
        events.inc({ type });
        relaySeconds.observe({}, Math.max(0, clock.now() / 1_000 - at));
      }
    },
    desiredRead: (kind) => desiredReads.inc({ kind }),
    braked: (node, isBraked) => brake.set({ node }, isBraked ? 1 : 0),
    blocked: (node, users) => blocked.set({ node }, users),
    certificates: (node, ends) => {
      for (const certificate of certificateKinds) certificates.set({ node, certificate }, ends?.[certificate] ?? 0);
    },
    webhooks: webhookMetrics(metrics),
    configFile: (result) => configFile.inc({ result }),
    discoveryLook: (result) => looks.inc({ result }),
    discoveryBraked: (isBraked) => discoveryBrake.set({}, isBraked ? 1 : 0),
    deletionBraked: (isBraked) => deletionBrake.set({}, isBraked ? 1 : 0),
    callsOf: callMetrics(metrics, calledMethods),
    pass: ({ node, result, durationMs, found }) => {
      passes.inc({ node, result });
      passSeconds.observe({ node }, durationMs / 1_000);
      if (found === undefined) return;
      const { missing, wrong, orphans } = found.drift;
      drift(node, { missing: missing.length, wrong: wrong.length, orphan: orphans.length });
    },
  };
}

const operations = ["create", "change", "delete"] as const;

function keyMetrics(metrics: Metrics): (ending: KeyEnding) => void {
  const seconds = metrics.histogram({
    name: "veil_key_provision_duration_seconds",
    help: "Time from the request until the key was active in Xray, or its change or deletion was complete.",
    labels: { operation: operations },
  });
  const endings = metrics.counter({
    name: "veil_key_operations_total",
    help: "Keys that jobs were to create, change or delete, by what became of it; batches count per key.",
    labels: { operation: operations, outcome: ["done", "not_found", "refused", "unavailable", "failed"] },
  });
  return ({ operation, outcome, durationMs }) => {
    endings.inc({ operation, outcome });
    if (outcome === "done") seconds.observe({ operation }, Math.max(0, durationMs) / 1_000);
  };
}

/** A replica's findings are of no account once another one looks after the node. */
function driftMetrics({ metrics, nodes, clock, passPeriodMs }: WorkerMetricsOptions) {
  const last = new Map<string, { readonly at: number; readonly drift: Drift }>();
  metrics.gauge({
    name: "veil_drift_users",
    help: "Users found to differ from what is desired, at this worker's last pass; 0 when other workers make the passes since.",
    labels: { node: EACH_NODE, kind: driftKinds },
    changing: NODE_LABEL,
    collect: (gauge) => {
      gauge.reset();
      for (const node of last.keys()) if (!nodes().includes(node)) last.delete(node);
      for (const node of nodes()) {
        const pass = last.get(node);
        const isOwn = pass !== undefined && clock.monotonic() - pass.at < 2 * passPeriodMs;
        const drift = isOwn ? pass.drift : noDrift;
        for (const kind of driftKinds) gauge.set({ node, kind }, drift[kind]);
      }
    },
  });
  const found = metrics.counter({
    name: "veil_drift_found_total",
    help: "Users found to differ from what is desired, over all passes.",
    labels: { node: EACH_NODE, kind: driftKinds },
    changing: NODE_LABEL,
  });
  return (node: string, drift: Drift) => {
    last.set(node, { at: clock.monotonic(), drift });
    for (const kind of driftKinds) found.inc({ node, kind }, drift[kind]);
  };
}
