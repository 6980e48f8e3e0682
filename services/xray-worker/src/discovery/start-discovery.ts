import { KubernetesApi, ServiceEndpoints } from "@veil/kubernetes";
import { type ExclusiveTask, runExclusively } from "@veil/redis";
import { type Clock, lastingFailure, type RunningService, runLoop } from "@veil/runtime";
import { Discovery, type DiscoveryPorts } from "./discovery.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import { discoveryRules, type DiscoverySettings } from "./discovery-settings.ts";

export interface StartDiscoveryOptions {
  readonly settings: DiscoverySettings & { readonly XRAY_INBOUND_TAG: string };
  readonly ports: DiscoveryPorts;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
  readonly metrics: Pick<WorkerMetrics, "discoveryLook" | "discoveryBraked">;
}

/** After a worker died in it, another one goes on so much later. */
const DISCOVERY_LEASE_MS = 5_000;
/** How often a worker asks whether it is its turn. */
const ASK_EVERY_MS = 1_000;
/** With no change either; what is due by time is late by so much at most. */
const LOOK_EVERY_MS = 5_000;
/** Changes come in bursts. */
const PAUSE_MS = 200;
/** Then any worker may go on, over new connections and with what the account's folder holds by then. */
const HOLD_FOR_MS = 5 * 60_000;

/** Follows the endpoints of the Service of the settings, if there is one, by one worker at a time until the service stops. */
export function startDiscovery(running: RunningService, options: StartDiscoveryOptions): void {
  const { settings, ports, exclusive, metrics } = options;
  const { XRAY_DISCOVERY_SERVICE: service } = settings;
  if (service === undefined) return;
  const discovery = new Discovery(ports);
  const failure = lastingFailure(ports.log, "could not look which nodes Kubernetes has");
  runLoop(running, "discovery", {
    everyMs: ASK_EVERY_MS,
    jitter: 0.2,
    task: (signal) =>
      runExclusively({ ...exclusive, subject: "discovery", leaseMs: DISCOVERY_LEASE_MS }, () =>
        follow(service, discovery, signal, () => failure.onSuccess(), options),
      ),
    onError: (error) => {
      failure.onError(error);
      metrics.discoveryLook("error");
    },
  });
}

/**
 * Each look takes all endpoints as they are, and the watch only says when to look again: what it says is not kept, so that nothing
 * goes wrong when it breaks. A list that can't be had whole changes nothing.
 */
async function follow(
  named: string,
  discovery: Discovery,
  signal: AbortSignal,
  onLooked: () => void,
  { settings, clock, metrics }: StartDiscoveryOptions,
): Promise<void> {
  const { KUBERNETES_API_URL: url, KUBERNETES_ACCOUNT_DIR: directory, XRAY_INBOUND_TAG: inboundTag } = settings;
  const api = await KubernetesApi.ofThisPod({ url, directory });
  const rules = discoveryRules(named, settings, { namespace: api.namespace, inboundTag });
  const [namespace = "", name = ""] = rules.service.split("/");
  const service = new ServiceEndpoints(api.of(namespace), name);
  const until = clock.monotonic() + HOLD_FOR_MS;
  try {
    while (!signal.aborted && clock.monotonic() < until) {
      const { endpoints, version } = await service.list();
      const { isBraked } = await discovery.look(endpoints, rules);
      metrics.discoveryLook("ok");
      metrics.discoveryBraked(isBraked);
      onLooked();
      await service.waitForChange(version, LOOK_EVERY_MS, signal);
      await clock.sleep(PAUSE_MS, signal);
    }
  } finally {
    // The next look may be another worker's.
    metrics.discoveryBraked(false);
    await api.close();
  }
}
