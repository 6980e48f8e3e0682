import { noHints } from "@veil/events/testing";
import type { Delivery } from "@veil/job-queue";
import { UnreadableRecordError } from "@veil/keys";
import { InMemoryDeviceLease, InMemoryDevices, inMemoryLifecycle, plant } from "@veil/keys/testing";
import { PLAIN_HOST } from "@veil/nodes";
import { InMemoryFleet, someNode } from "@veil/nodes/testing";
import type { Redis } from "@veil/redis";
import { createLogger } from "@veil/runtime";
import { InMemoryTokens } from "@veil/tokens/testing";
import { InMemoryEvents, InMemoryWebhooks } from "@veil/webhooks/testing";
import { expect, it } from "vitest";
import { deviceJobHandlers } from "./device-job-handlers.ts";
import { fleetChanger } from "../nodes/fleet-changes.ts";
import { hostJobHandlers } from "./host-job-handlers.ts";
import { nodeJobHandlers } from "./node-job-handlers.ts";
import { tokenJobHandlers } from "./token-job-handlers.ts";
import { webhookChangeHandlers } from "./webhook-job-handlers.ts";

const now = () => 1_000;
const delivery: Delivery = { jobId: "job-1", requestId: "r", requestedAt: 1, attempt: 1, redelivered: false };
const asked = { deadline: 2_000, request_id: "r" };
const refuse = () => Promise.reject(new UnreadableRecordError("the document 1 makes no sense"));

it("tells at once that a token, a webhook or the devices of a key can't be read", async () => {
  const [tokens, webhooks, devices] = [new InMemoryTokens(), new InMemoryWebhooks(), new InMemoryDevices()];
  Object.assign(tokens, { find: refuse });
  Object.assign(webhooks, { find: refuse });
  Object.assign(devices, { find: refuse });
  const { store: keys } = inMemoryLifecycle();
  plant(keys, [], { keyId: 1, phase: "active" });
  const ofTokens = tokenJobHandlers({ tokens, now, hints: noHints });
  const ofWebhooks = webhookChangeHandlers({ webhooks, events: new InMemoryEvents(), now });
  const lease = new InMemoryDeviceLease();
  const ofDevices = deviceJobHandlers({ devices, keys, lease, clock: { now }, hints: noHints });
  const ofOneToken = { token_id: "t", giver: { scopes: ["*"], owner: null, addresses: null }, ...asked } as const;
  const ofOneWebhook = { webhook_id: "w", owner: null, ...asked };
  const ends = await Promise.all([
    ofTokens["change-token"]({ ...ofOneToken, change: { rate: 1 } }, delivery),
    ofTokens["delete-token"]({ ...ofOneToken }, delivery),
    ofWebhooks["change-webhook"]({ ...ofOneWebhook, change: { enabled: false } }, delivery),
    ofWebhooks["delete-webhook"](ofOneWebhook, delivery),
    ofDevices["forget-devices"]({ key_id: 1, device_id: null, owner: null, ...asked }, delivery),
  ]);
  const failed = (what: string) => ({ outcome: "failed", detail: `the ${what} can't be read or changed` });
  expect(ends).toEqual(["token", "token", "webhook", "webhook", "device list"].map(failed));
});

it("tells at once that what is stored of nodes and hosts can't be read", async () => {
  const store = new InMemoryFleet({ revision: 1, nodes: [someNode("a")], hosts: [] });
  store.beforeStep = refuse;
  const ports = {
    ...{ store, prefix: "test", change: fleetChanger(store, noHints), certificates: { fault: () => null } },
    clock: { now, monotonic: now, sleep: async () => undefined },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody listens
    redis: {} as Redis,
    log: createLogger({ service: "test", version: "0", level: "silent" }),
    leave: () => ({ answers: async () => true, isInFile: false, places: [], close: () => undefined }),
    readLast: async () => true,
    processAt: async () => null,
    leftBehind: async () => 0,
    inboundFault: async () => null,
  };
  const [ofNodes, ofHosts] = [nodeJobHandlers(ports), hostJobHandlers(ports)];
  const { state: _, since: _since, origin: _origin, ...node } = someNode("b");
  const ends = await Promise.all([
    ofNodes["create-node"]({ node, ...asked }, delivery),
    ofNodes["change-node"]({ name: "a", change: { address: "elsewhere:1" }, ...asked }, delivery),
    ofNodes["drain-node"]({ name: "a", is_drained: true, ...asked }, delivery),
    ofNodes["delete-node"]({ name: "a", force: true, ...asked }, delivery),
    ofHosts["put-host"]({ host: { ...PLAIN_HOST, id: "h", node: "a" }, may_make: true, ...asked }, delivery),
    ofHosts["change-host"]({ host_id: "h", change: { hidden: true }, ...asked }, delivery),
    ofHosts["delete-host"]({ host_id: "h", ...asked }, delivery),
  ]);
  const failed = { outcome: "failed", detail: "the list of nodes and hosts can't be read or changed" };
  expect(ends).toEqual(Array.from({ length: 7 }, () => failed));
});
