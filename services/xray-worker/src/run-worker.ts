import { randomBytes, randomUUID } from "node:crypto";
import { followFleet, listedNodes, openBackingServices } from "@veil/backing-services";
import { createJobClient, serveJobs } from "@veil/job-queue";
import { DownNodes, groupsMeet, type LifecyclePorts, TOKEN_SEED_BYTES } from "@veil/keys";
import { DueIndex, EventHintIndex, KeyLeases, warnOfDurability } from "@veil/redis";
import {
  type Fleet,
  FirstLinked,
  type FleetNode,
  isSameNode,
  isSamePlace,
  type Place,
  servingNodes,
  servingPlaces,
} from "@veil/nodes";
import { nodeSettings } from "@veil/settings";
import {
  lastingFailure,
  limitRepeats,
  NamedParts,
  prepareService,
  readPackageVersion,
  readSettings,
  runLoop,
  ServiceParts,
} from "@veil/runtime";
import type { Tracing } from "@veil/tracing";
import { vlessFlowOf } from "@veil/protocols";
import { CertificateFolder, type ConnectedXray, NODE_LABEL } from "@veil/xray-grpc";
import { onlineKeys } from "@veil/traffic";
import { startDiscovery } from "./discovery/start-discovery.ts";
import { emptiedFile } from "./config-file/emptied-file.ts";
import { keptConfigFile } from "./config-file/open-config-mirror.ts";
import { startEvents } from "./events/start-events.ts";
import { startBatchLoop } from "./batch-loop.ts";
import { startCleanUp } from "./clean-up.ts";
import { connectNode } from "./nodes/connect-node.ts";
import { type ConnectedPlace, connectPlace } from "./nodes/connect-place.ts";
import { deviceJobHandlers } from "./jobs/device-job-handlers.ts";
import { hostJobHandlers } from "./jobs/host-job-handlers.ts";
import { keyJobHandlers } from "./jobs/key-job-handlers.ts";
import { nodeJobHandlers } from "./jobs/node-job-handlers.ts";
import { tokenJobHandlers } from "./jobs/token-job-handlers.ts";
import { webhookChangeHandlers } from "./jobs/webhook-job-handlers.ts";
import { fleetChanger, seedNodes } from "./nodes/fleet-changes.ts";
import { filledIn, JoiningNodes } from "./nodes/joining-nodes.ts";
import { tellOfLeftBehind } from "./nodes/left-behind.ts";
import { lastReading } from "./nodes/last-reading.ts";
import { NodeReconcilers } from "./nodes/node-reconcilers.ts";
import { nodeVisits } from "./nodes/node-visits.ts";
import { NodesSeen } from "./nodes/nodes-seen.ts";
import { lastMarkOf } from "./nodes/same-process.ts";
import { OrphanBrake } from "./nodes/orphan-brake.ts";
import { dependentSettings, workerSettings } from "./settings.ts";
import { startHousekeeping } from "./housekeeping.ts";
import { startDueEntries, startDueLoop } from "./terms/due-loop.ts";
import { openKeyMemory } from "./open-key-memory.ts";
import { ledgerKeyTraffic } from "./terms/ledger-key-traffic.ts";
import { workerMetrics } from "./worker-metrics.ts";

const service = prepareService({
  name: "xray-worker",
  moduleUrl: import.meta.url,
  read: (options) => readSettings(workerSettings, options),
  dependent: dependentSettings,
});
const { settings, log, metrics, clock } = service;
const newFlow = vlessFlowOf(settings.REALITY_FLOW);
const periodMs = settings.RECONCILE_INTERVAL_SECONDS * 1_000;
let nodeNames = (): readonly string[] => [];
const measured = workerMetrics({ metrics, nodes: () => nodeNames(), clock, passPeriodMs: periodMs });

/** As long as the API takes what it read of them for true. */
const LOOK_FOR_DOWN_EVERY_MS = 1_000;

/** Runs the worker until the process is to stop. @param tracing where its traces go; null for nowhere */
export async function runWorker(tracing: Tracing | null): Promise<void> {
  await service.run(tracing, async (running, ops) => {
    const { store, redis, answered, onUnreadable } = openBackingServices(running, {
      settings,
      log,
      metrics,
      clock,
      ops,
      writesStore: true,
      olderFlow: {
        setting: newFlow,
        record: true,
        onRecorded: () => log.info({ flow: settings.REALITY_FLOW }, "older keys keep the flow of this setting"),
      },
    });
    warnOfDurability(redis, log);
    await answered();

    const exclusive = { redis, prefix: settings.QUEUE_PREFIX };
    let fleet: Fleet = { revision: 0, nodes: [], hosts: [] };
    const down = new DownNodes(store.sightings, clock);
    const firstLinked = new FirstLinked(groupsMeet);
    runLoop(running, "nodes that are down", {
      everyMs: LOOK_FOR_DOWN_EVERY_MS,
      task: () => down.test(),
      ...lastingFailure(log, "could not look which nodes are down"),
    });
    const memory = openKeyMemory({ store, exclusive, clock, onRead: (kind) => measured.desiredRead(kind) });
    const listed = nodeSettings(settings);
    const nodes = new NamedParts<FleetNode, ConnectedXray>({
      parts: new ServiceParts(running, "nodes", log),
      open: (part, node) =>
        connectNode(part, node, {
          log,
          certificates,
          onCertificates: (name, ends) => measured.certificates(name, ends),
          callsOf: (name) => measured.callsOf(name),
          onReachableChange: (name, reachable) => reconcilers.reachableChanged(name, reachable),
        }),
      isSame: isSameNode,
      onJoined: (node) => metrics.startSeries(NODE_LABEL, node),
      onLeft: (node) => void metrics.endSeries(NODE_LABEL, node),
    });
    const mirroredNode = settings.XRAY_CONFIG_NODE ?? listed[0].name;
    const onWrite = (result: "written" | "unchanged" | "error") => measured.configFile(result);
    const configFile = keptConfigFile(settings, mirroredNode, { exclusive, log }, onWrite);
    const inFile = emptiedFile({ file: configFile?.file ?? null, node: mirroredNode, exclusive, log });
    const placed = {
      settings,
      store: memory.keys,
      desired: memory.desired,
      vault: store.inbounds,
      ...{ configFile, inFile, clock, log },
      onBlocked: (name: string, users: number) => measured.blocked(name, users),
    };
    const places = new NamedParts<Place, ConnectedPlace>({
      parts: new ServiceParts(running, "inbounds", log),
      open: (part, place) => {
        const connected = connectPlace(part, place, nodes.of(place.of.name), placed);
        reconcilers.start(part, connected, place.of.name, filledIn(place, clock.now()));
        return connected;
      },
      isSame: isSamePlace,
      // A node's first inbound has its name, and its series.
      onJoined: (place) => {
        if (!nodes.names.includes(place)) metrics.startSeries(NODE_LABEL, place);
      },
      onLeft: (place) => {
        for (const each of [seen, joining]) each.left(place);
        if (!nodes.names.includes(place)) void metrics.endSeries(NODE_LABEL, place);
      },
    });
    nodeNames = () => places.names;
    const hints = new EventHintIndex(redis, settings.QUEUE_PREFIX, clock);
    const certificates = new CertificateFolder(settings.XRAY_TLS_DIR);
    const changes = { store: store.fleet, change: fleetChanger(store.fleet, hints), ...exclusive, clock, log };
    const shortId = settings.REALITY_COMMON_SHORT_ID;
    const known = { connected: () => nodes.opened, newMark: randomUUID, certificates, inFile };
    const joining = new JoiningNodes({ ...changes, ...known, fleet: () => fleet });
    const jobs = createJobClient({
      redisUrl: settings.REDIS_URL,
      prefix: settings.QUEUE_PREFIX,
      clock,
      onError: limitRepeats((err) => log.warn({ err }, "queue error")),
    });
    running.onStop("connections", "jobs for collectors", () => jobs.close());
    const due = new DueIndex(redis, settings.QUEUE_PREFIX);
    const lease = new KeyLeases(redis, settings.QUEUE_PREFIX);
    const ports: LifecyclePorts = {
      store: memory.keys,
      get nodes() {
        return places.opened.map(({ users }) => users);
      },
      linkedNodes: (key) => firstLinked.of(key, fleet, down.known()),
      idleStates: (groups) => firstLinked.idleStates(groups, fleet, down.known()),
      lease,
      clock,
      newUuid: randomUUID,
      newFlow,
      newTokenSeed: () => randomBytes(TOKEN_SEED_BYTES),
      externalIds: store.externalIds,
      traffic: ledgerKeyTraffic(store.traffic),
      due,
      hints,
      timeZone: settings.TIMEZONE,
      notices: {
        thresholds: settings.USAGE_THRESHOLDS,
        hours: settings.EXPIRES_SOON_HOURS,
        firstConnections: true,
      },
    };

    const sweeping = startHousekeeping(running, {
      ports,
      uncleared: memory.uncleared,
      store: store.housekeeping,
      exclusive,
      clock,
      log,
      sweepEveryMs: periodMs,
    });
    const seen = new NodesSeen(store, clock);
    seen.start(running, log);
    const reconcilers = new NodeReconcilers({
      state: memory.desired,
      ports,
      exclusive,
      brake: new OrphanBrake(settings.XRAY_ORPHAN_BRAKE),
      periodMs,
      clock,
      log,
      onProbe: (node, isServing) => seen.probed(node, isServing),
      onSorted: (place) => void joining.sorted(place),
      onDescribed: (node, runs) => seen.described(node, runs),
      onBrake: (node, isBraked) => measured.braked(node, isBraked),
      onPass: (pass) => {
        measured.pass(pass);
        if (pass.found !== undefined) seen.passed(pass.node, pass.found);
        if (pass.isFilled) void joining.filled(pass.node, clock.now() - pass.durationMs);
        else joining.unfilled(pass.node);
        // Users that could not be removed while the node was away, or came back with it, must not wait for the period.
        if (pass.result === "ok" && pass.reason !== "period") void sweeping.trigger();
      },
    });
    let departed: readonly FleetNode[] = [];
    await followFleet(running, {
      store: store.fleet,
      redisUrl: settings.REDIS_URL,
      prefix: settings.QUEUE_PREFIX,
      listed: listedNodes(listed),
      prepare: async () => {
        departed = await seedNodes(listedNodes(listed), { isListMissing: settings.XRAY_NODES === undefined }, changes);
      },
      onFleet: (found) => {
        fleet = found;
        const serving = servingPlaces(found);
        nodes.follow(servingNodes(found));
        places.follow(serving);
        reconcilers.follow(serving);
      },
      log,
    });
    void tellOfLeftBehind(departed, fleet.nodes, { ...known, log });

    const dueLoop = {
      ports,
      index: due,
      keys: store.keyReader,
      takenTogether: () => store.keysTakenUpTogether(),
      exclusive,
      log,
      onRebuilt: () => void sweeping.trigger(),
      onApplied: (keys: number, durationMs: number) => measured.dueApplied(keys, durationMs),
    };
    startDueLoop(running, dueLoop);
    startDueEntries(running, dueLoop);

    const now = () => clock.now();
    const telemetry = tracing?.telemetry;
    const logged = startEvents(running, {
      ...{ settings, store, redis, exclusive, hints, measured, telemetry, clock, log, onUnreadable },
      nodes: nodes.names,
      version: readPackageVersion(import.meta.url),
    });
    startCleanUp(running, {
      deleteExpiredAfterDays: settings.DELETE_EXPIRED_AFTER_DAYS ?? null,
      ...{ ports, store, exclusive, clock, log, onDeletionBrake: (isBraked) => measured.deletionBraked(isBraked) },
    });
    const batches = startBatchLoop(running, { ports, batches: store.batches, exclusive, clock, log });
    const updating = {
      batches: store.batches,
      keys: store.keyReader,
      online: () => onlineKeys(store.traffic, clock.now()),
      clock,
      onBegun: () => void batches.trigger(),
    };

    const nodePorts = {
      ...{ ...changes, ...known },
      ...nodeVisits({ ...known, vault: store.inbounds, shortId, lastMark: lastMarkOf(store.nodeLives) }),
      readLast: lastReading(jobs, clock),
    };
    startDiscovery(running, { settings, ports: nodePorts, exclusive, clock, metrics: measured });

    serveJobs(running, {
      queue: "veil-keys",
      redisUrl: settings.REDIS_URL,
      prefix: settings.QUEUE_PREFIX,
      concurrency: settings.WORKER_CONCURRENCY,
      handlers: {
        ...keyJobHandlers(ports, updating, (ending) => measured.keyEnded(ending)),
        ...tokenJobHandlers({ tokens: store.tokens, now, hints }),
        ...deviceJobHandlers({ devices: store.devices, keys: memory.keys, lease, clock, hints }),
        ...nodeJobHandlers(nodePorts),
        ...hostJobHandlers(changes),
        ...webhookChangeHandlers({ webhooks: store.webhooks, events: logged, now }),
      },
      ...{ telemetry, clock, log },
      onStep: (step) => measured.jobStep(step),
      completed: "info",
    });
  });
}
