import { randomBytes, randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { SEALING_KEY_BYTES } from "@veil/webhooks";
import { type AppDependencies, createApp } from "../../src/create-app.ts";
import { LinkNotConfiguredError } from "../../src/errors.ts";
import type { ApiSecret } from "../../src/http/bearer-auth.ts";
import { createHttpServer, KEEP_ALIVE_S } from "../../src/http/create-http-server.ts";
import type { FinishedRequest } from "../../src/http/log-request.ts";
import type { ContractTarget } from "../contract-suite.ts";
import { InMemoryPlane } from "./in-memory-plane.ts";
import { InMemoryWriteRecords } from "./in-memory-write-records.ts";
import { RecordingLog } from "./recording-log.ts";
import { timerClock } from "./timer-clock.ts";

/** The API over an in-memory plane, listening on a free port. */
export interface InMemoryApi extends ContractTarget {
  readonly plane: InMemoryPlane;
  readonly records: InMemoryWriteRecords;
  readonly log: RecordingLog;
  readonly finished: FinishedRequest[];
}

const SECRET = "in-memory-secret-of-32-characters-or-more";

/** @param overrides what the test wants otherwise: deadlines, origins, secrets */
export async function startInMemoryApi(overrides: Partial<AppDependencies> = {}): Promise<InMemoryApi> {
  const plane = new InMemoryPlane();
  const records = new InMemoryWriteRecords();
  const log = new RecordingLog();
  const finished: FinishedRequest[] = [];
  const shortId = "7bb45050";
  const secrets: readonly ApiSecret[] = [{ name: null, tokens: [SECRET], readOnly: false }];
  const app = createApp({
    keys: plane.keyReader,
    traffic: plane.trafficReader,
    batches: plane.batches,
    tokens: plane.tokens,
    devices: plane.devices,
    events: plane.events,
    feed: plane.feed,
    webhooks: plane.webhooks,
    webhookRules: { sealingKey: randomBytes(SEALING_KEY_BYTES), isPrivateAllowed: false },
    jobs: plane.jobs,
    shareLinksOf: async ({ keyId, uuid, name }) => {
      if (name === "link-not-configured") throw new LinkNotConfiguredError("Reality public key");
      if (name === "in-no-node") return [];
      const remark = name ?? `key-${keyId}`;
      const link = `vless://${uuid}@vpn.example.com:443?sid=${shortId}#${encodeURIComponent(remark)}`;
      return [{ host: "vpn.example.com", node: "main", protocol: "vless", remark, link }];
    },
    showing: { shortId, subscriptionUrlOf: (token) => `http://vpn.example.com:8000/sub/${token}` },
    clock: timerClock,
    newId: randomUUID,
    writeDeadlineMs: 500,
    storeIsUp: () => true,
    refreshWaitMs: 100,
    nodeNames: () => ["main"],
    fleet: async () => (await plane.fleet.read()) ?? { revision: 0, nodes: [], hosts: [] },
    knownFleet: () => plane.knownFleet,
    sightings: { list: async () => plane.sightings },
    passes: { list: async () => plane.passes },
    linkFaults: async () => plane.linkFaults,
    lives: plane.lives,
    inboundTag: "vless-in",
    syncDeadlineMs: 500,
    laterDeadlineMs: 2_000,
    secrets: () => secrets,
    allowedAddresses: null,
    trustedProxies: false,
    rate: { take: async () => null },
    authFailures: { fail: async () => null },
    records,
    progress: plane.jobs,
    origins: "any",
    hasDocs: true,
    subscriptions: null,
    log,
    onFinished: (request) => finished.push(request),
    ...overrides,
  });
  const server = createHttpServer(app, { newId: randomUUID, keepAliveSeconds: KEEP_ALIVE_S });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has an address of this kind
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    secret: overrides.secrets?.()[0]?.tokens[0] ?? SECRET,
    shortId,
    plane,
    records,
    log,
    finished,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
