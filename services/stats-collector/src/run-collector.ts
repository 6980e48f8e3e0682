import { randomUUID } from "node:crypto";
import { followFleet, listedNodes, openBackingServices } from "@veil/backing-services";
import { openQueues, serveJobs } from "@veil/job-queue";
import { ChangedKeyIndex, DueIndex } from "@veil/redis";
import { DEFAULT_MULTIPLIER, type FleetNode, isSameNode, meteredNodes, meteredTags } from "@veil/nodes";
import { nodeSettings } from "@veil/settings";
import { limitRepeats, NamedParts, prepareService, readSettings, ServiceParts } from "@veil/runtime";
import type { Tracing } from "@veil/tracing";
import { CertificateFolder, connectXrayNode, NODE_LABEL, type XrayNode } from "@veil/xray-grpc";
import { StoredActiveKeys } from "./active-keys.ts";
import { BookedKeys } from "./booked-keys.ts";
import { collectorMetrics } from "./collector-metrics.ts";
import { DuplicateNodes } from "./sync/duplicate-nodes.ts";
import { NodeEpochs } from "./sync/node-epochs.ts";
import { TrafficRefresher } from "./jobs/refresh-traffic.ts";
import { collectorSettings } from "./settings.ts";
import { startClusterReport } from "./cluster/cluster-report.ts";
import { KeptCounts } from "./cluster/kept-counts.ts";
import { readWebhookFigures } from "./cluster/webhook-figures.ts";
import type { ShownNode } from "./cluster/cluster-figures.ts";
import type { MeteredNode } from "./sync/node-counters.ts";
import type { NodeSync } from "./sync/node-sync.ts";
import { startSync, type SyncOptions } from "./sync/sync-loop.ts";
import { trafficJobHandlers } from "./jobs/traffic-job-handlers.ts";
import { ForgottenNodes } from "./forgotten-nodes.ts";
import { RecordCompactor, startUpkeep } from "./upkeep.ts";
import { UsageKeeper } from "./usage-keeper.ts";

const service = prepareService({
  name: "stats-collector",
  moduleUrl: import.meta.url,
  read: (options) => readSettings(collectorSettings, options),
});
const { settings, log, metrics, clock } = service;
let nodeNames = (): readonly string[] => [];
const measured = collectorMetrics({ metrics, nodes: () => nodeNames(), clock });

/** Shorter than a caller of the API waits. */
const SYNC_LIMIT_MS = 7_000;
const BOARD_PATH = "/admin/queues";

/** A node that is read. */
interface ReadNode {
  readonly xray: XrayNode;
  readonly metered: MeteredNode & ShownNode;
  readonly sync: NodeSync;
}

/** Runs the collector until the process is to stop. @param tracing where its traces go; null for nowhere */
export async function runCollector(tracing: Tracing | null): Promise<void> {
  await service.run(tracing, async (running, ops) => {
    const { REDIS_URL: redisUrl, QUEUE_PREFIX: prefix } = settings;
    const { store, redis, answered } = openBackingServices(running, {
      settings,
      log,
      metrics,
      clock,
      ops,
      writesStore: true,
    });
    await answered();

    /** By node: a change of these alone opens nothing anew, and a node that goes is read a last time. */
    const multipliers = new Map<string, number>();
    const tags = new Map<string, readonly [string, ...string[]]>();

    const certificates = new CertificateFolder(settings.XRAY_TLS_DIR);
    const nodes = new NamedParts<FleetNode, ReadNode>({
      parts: new ServiceParts(running, "nodes", log),
      open: (part, { name, address, inboundTag, tls }) => {
        const identity = certificates.identity(tls);
        const onInvalidCounter = limitRepeats((err) => log.warn({ err, node: name }, "a counter is left out"));
        const onCall = measured.callsOf(name);
        const xray = connectXrayNode({ name, address, inboundTag, identity, onCall, onInvalidCounter });
        part.onStop("connections", `node ${name}`, () => xray.close());
        const multiplier = () => multipliers.get(name) ?? DEFAULT_MULTIPLIER;
        const inboundTags = () => tags.get(name) ?? [inboundTag];
        const node = { ...xray, address, inboundTags, multiplier };
        return { xray, metered: node, sync: startSync(part, { ...syncing, node, isReachable: () => xray.reachable }) };
      },
      isSame: isSameNode,
      onJoined: (node) => metrics.startSeries(NODE_LABEL, node),
      onLeft: (node) => {
        duplicates.leave(node);
        epochs.leave(node);
        multipliers.delete(node);
        tags.delete(node);
        void metrics.endSeries(NODE_LABEL, node);
      },
    });
    nodeNames = () => nodes.names;

    const queues = openQueues(
      redis,
      limitRepeats((err) => log.warn({ err }, "queue error")),
      prefix,
    );
    running.onStop("connections", "queues", () => queues.close());
    if (settings.ADMIN_PASSWORD !== undefined) {
      const { queueBoard } = await import("@veil/queue-board");
      const onError = (err: unknown) => log.warn({ err }, "the page on the queues could not be shown");
      ops.addHandler(BOARD_PATH, queueBoard({ path: BOARD_PATH, password: settings.ADMIN_PASSWORD, queues, onError }));
    }
    const counts = new KeptCounts({
      count: () => store.housekeeping.countByState(),
      changes: new ChangedKeyIndex(redis, prefix),
      clock,
    });
    const report = startClusterReport(running, {
      countKeys: () => counts.count(),
      readWebhooks: () => readWebhookFigures(store.webhooks, store.events),
      topUsers: settings.METRICS_TOP_USERS,
      nodes: () => nodes.opened,
      queues,
      redis,
      prefix,
      clock,
      log,
    });
    measured.showCluster(report);

    const records = store.traffic;
    const keys = new StoredActiveKeys(store.keyReader, clock);
    const metered = () => nodes.opened.map((node) => node.metered);
    const duplicates = new DuplicateNodes({ nodes: nodeNames, log, onDuplicate: measured.duplicate });
    const epochs = new NodeEpochs(store.nodeLives, clock, randomUUID, duplicates, metered);
    const { usage } = store;
    const kept = { lives: store.nodeLives, fleet: store.fleet, records, usage, clock };
    const forgotten = new ForgottenNodes(kept, settings.USAGE_DAYS);
    const compactor = new RecordCompactor(records, clock, forgotten.isForgotten);
    const keeper = new UsageKeeper({ records, usage, days: settings.USAGE_DAYS, clock });
    const due = new DueIndex(redis, prefix);
    const bookedKeys = new BookedKeys({ records, among: (keyIds) => due.awaiting(keyIds), log });
    bookedKeys.listen(async (moved) => {
      const bytes = moved.map(({ keyId, lifetime }) => [keyId, lifetime.up + lifetime.down] as const);
      await due.moved(new Map(bytes), clock.now());
    });
    const onRecord: RecordCompactor["notice"] = (record) => {
      compactor.notice(record);
      keeper.notice(record);
    };
    startUpkeep(running, { compactor, keeper, forgotten, records, usage, keys: store.keyReader, redis, prefix, log });
    const syncing: Omit<SyncOptions, "node" | "isReachable"> = {
      everyMs: settings.TRAFFIC_SYNC_INTERVAL_SECONDS * 1_000,
      lives: store.nodeLives,
      records,
      epochs,
      keys,
      clock,
      log,
      onRecord,
      onBooked: (updates) => {
        keeper.booked(updates);
        bookedKeys.booked(updates);
      },
      onSynced: measured.synced,
      onReport: measured.report,
    };
    const fleet = await followFleet(running, {
      store: store.fleet,
      ...{ redisUrl, prefix, log },
      listed: listedNodes(nodeSettings(settings)),
      onFleet: (found) => {
        const read = meteredNodes(found);
        for (const node of read) {
          multipliers.set(node.name, node.multiplier);
          tags.set(node.name, meteredTags(node));
        }
        nodes.follow(read);
      },
    });

    const shared = { nodes: metered, epochs, records, clock };
    serveJobs(running, {
      queue: "veil-traffic",
      redisUrl,
      prefix,
      concurrency: settings.COLLECTOR_CONCURRENCY,
      handlers: trafficJobHandlers({
        refresher: new TrafficRefresher({ ...shared, log }),
        reset: { ...shared, keys, onRecord },
        online: { nodes: () => nodes.opened.map(({ xray }) => xray), records, keys, clock, log },
        sync: { syncs: () => nodes.opened.map(({ sync }) => sync), keys, clock, log, limitMs: SYNC_LIMIT_MS },
        clock,
        syncOf: async (name) => {
          await fleet.refresh();
          return nodes.opened.find(({ xray }) => xray.name === name)?.sync ?? null;
        },
        onReset: (keyId) => due.expect(keyId, { at: clock.now(), traffic: null }),
      }),
      telemetry: tracing?.telemetry,
      clock,
      onStep: (step) => measured.jobStep(step),
      log,
      completed: "debug",
    });
  });
}
