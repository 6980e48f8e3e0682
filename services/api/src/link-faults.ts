import { isDown, type NodeSighting, type NodeSightings } from "@veil/keys";
import { type Fleet, hostsOf, type LinkedHost, type SeenInbound, type SeenInbounds } from "@veil/nodes";
import { hasReality, runningFault } from "@veil/protocols";
import { LastingFailures, type Logger, type Metrics, ObstacleError } from "@veil/runtime";
import { shownLink } from "./key-places.ts";
import type { NodeLinkFault } from "./nodes/read-nodes.ts";
import type { ApiSettings } from "./settings.ts";

export interface LinkFault extends NodeLinkFault {
  /** Whether anybody gets such links now: those of a node that joins or drains nobody does. */
  readonly isShown: boolean;
}

/**
 * Compares what links to each visible host say with what was last found running there. Hosts of nodes that nobody has looked at
 * since they were added are passed over, and those of nodes that are down and that nobody has looked at since: another Xray may
 * start there.
 *
 * @param seen by the name of the inbound's place @param sightings by the same
 */
export function linkFaults(
  settings: ApiSettings,
  fleet: Pick<Fleet, "nodes" | "hosts">,
  seen: ReadonlyMap<string, SeenInbound>,
  sightings: ReadonlyMap<string, NodeSighting>,
): LinkFault[] {
  return hostsOf(fleet).flatMap(({ at, ...host }): LinkFault[] => {
    if (host.hidden || at === null || host.of.state === "disabled") return [];
    const found = seen.get(at.name);
    if (found === undefined || found.at < host.of.createdAt * 1_000) return [];
    const sighting = sightings.get(at.name);
    if (sighting !== undefined && isDown(sighting) && found.at <= (sighting.seenAt ?? 0)) return [];
    const fault = runningFault(saidOf({ ...host, at }, settings), found.runs);
    const detail = `the inbound ${at.inbound.tag} of ${host.node} ${fault ?? ""}`;
    const isShown = host.of.state === "active";
    return fault === null ? [] : [{ host: host.id, node: host.node, detail, isShown }];
  });
}

function saidOf(host: LinkedHost, settings: ApiSettings) {
  const { inbound } = host.at;
  const { publicKey = null, shortId, sni } = shownLink(host, settings);
  const path = host.path ?? inbound.path;
  return { ...inbound, path, publicKey, ...(hasReality(inbound) ? { shortId, sni } : { shortId: null, sni: null }) };
}

export interface LinkWatchOptions {
  readonly settings: ApiSettings;
  readonly fleet: () => Pick<Fleet, "nodes" | "hosts">;
  readonly seen: Pick<SeenInbounds, "list">;
  readonly sightings: Pick<NodeSightings, "list">;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** @returns sets to how many hosts links lead nowhere */
export function linkMetrics(metrics: Metrics): (faults: number) => void {
  const gauge = metrics.gauge({
    name: "veil_hosts_mismatched",
    help: "Hosts of active nodes whose links name what their Xray does not have, so that no client gets in by them.",
  });
  return (faults) => gauge.set({}, faults);
}

/** Tells when links lead nowhere, by a metric and, once for each host and reason, by the log. What ends by the next look was a change under way. */
export class LinkWatch {
  readonly #options: LinkWatchOptions;
  readonly #setFaults: (faults: number) => void;
  readonly #failures: LastingFailures;
  #before: ReadonlySet<string> = new Set();

  constructor(options: LinkWatchOptions) {
    this.#options = options;
    this.#setFaults = linkMetrics(options.metrics);
    this.#failures = new LastingFailures(options.log, "links to a host lead nowhere");
  }

  /** As of now, also of nodes that nobody gets links to. @throws {StoreUnavailableError} */
  async faults(): Promise<readonly LinkFault[]> {
    const { settings, fleet, seen, sightings } = this.#options;
    const [inbounds, nodes] = await Promise.all([seen.list(), sightings.list()]);
    return linkFaults(settings, fleet(), inbounds, nodes);
  }

  /** Looks once. @throws {StoreUnavailableError} */
  async look(): Promise<void> {
    const all = (await this.faults()).filter(({ isShown }) => isShown);
    const faults = all.filter(({ host }) => this.#before.has(host));
    this.#before = new Set(all.map(({ host }) => host));
    this.#setFaults(faults.length);
    const lasting = new Set(faults.map(({ host }) => host));
    for (const host of this.#failures.names) if (!lasting.has(host)) this.#failures.onSuccess(host);
    for (const { host, node, detail } of faults)
      this.#failures.onError(host, { host, node }, new LinkMismatchError(detail), "error");
  }
}

/** Why clients don't get in by links to a host. */
class LinkMismatchError extends ObstacleError {
  override readonly name = "LinkMismatchError";
}
