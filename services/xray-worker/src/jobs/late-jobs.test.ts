import { noHints } from "@veil/events/testing";
import type { Delivery } from "@veil/job-queue";
import { InMemoryDeviceLease, InMemoryDevices, inMemoryLifecycle, plant } from "@veil/keys/testing";
import { InMemoryFleet } from "@veil/nodes/testing";
import type { Redis } from "@veil/redis";
import { createLogger } from "@veil/runtime";
import { InMemoryTokens, storedToken } from "@veil/tokens/testing";
import { InMemoryEvents, InMemoryWebhooks, storedWebhook } from "@veil/webhooks/testing";
import { expect, it } from "vitest";
import { fleetChanger } from "../nodes/fleet-changes.ts";
import { deviceJobHandlers } from "./device-job-handlers.ts";
import { nodeJobHandlers, type NodeJobPorts } from "./node-job-handlers.ts";
import { tokenJobHandlers } from "./token-job-handlers.ts";
import { webhookChangeHandlers } from "./webhook-job-handlers.ts";

const now = () => 2_001;
const delivery: Delivery = { jobId: "job-1", requestId: "r", requestedAt: 1, attempt: 1, redelivered: false };
const asked = { deadline: 2_000, request_id: "r" };

it("ends every change of a token or webhook that comes after its deadline as timed out", async () => {
  const { text: _text, ...token } = storedToken();
  const tokens = new InMemoryTokens();
  await tokens.insert(token);
  const ofTokens = tokenJobHandlers({ tokens, now, hints: noHints });
  const webhook = storedWebhook();
  const webhooks = new InMemoryWebhooks();
  await webhooks.insert(webhook);
  const ofWebhooks = webhookChangeHandlers({ webhooks, events: new InMemoryEvents(), now });
  const giver = { scopes: ["*"], owner: null, addresses: null } as const;
  const ofOneToken = { token_id: token.id, giver, ...asked };
  const ofOneWebhook = { webhook_id: webhook.id, owner: null, ...asked };
  const { text: _other, ...newToken } = storedToken();
  const ends = await Promise.all([
    ofTokens["create-token"]({ token: newToken, ...asked }, delivery),
    ofTokens["change-token"]({ ...ofOneToken, change: { rate: 1 } }, delivery),
    ofTokens["delete-token"](ofOneToken, delivery),
    ofWebhooks["create-webhook"]({ webhook: storedWebhook(), ...asked }, delivery),
    ofWebhooks["change-webhook"]({ ...ofOneWebhook, change: { enabled: false } }, delivery),
    ofWebhooks["delete-webhook"](ofOneWebhook, delivery),
  ]);
  expect(ends).toEqual(Array.from({ length: 6 }, () => ({ outcome: "failed", detail: "timed out" })));
  expect([await tokens.find(newToken.id), (await webhooks.list()).length]).toEqual([null, 1]);
});

it("tells of a deletion that was made in time also when its job comes again after its deadline", async () => {
  const [devices, fleet, { store: keys }] = [
    new InMemoryDevices(),
    new InMemoryFleet({ revision: 1, nodes: [], hosts: [] }),
    inMemoryLifecycle(),
  ];
  plant(keys, [], { keyId: 1, phase: "active" });
  const ports = { devices, keys, lease: new InMemoryDeviceLease(), hints: noHints };
  const inTime = deviceJobHandlers({ ...ports, clock: { now: () => 2_000 } });
  const ofDevices = { key_id: 1, device_id: null, owner: null, ...asked };
  expect(await inTime["forget-devices"](ofDevices, delivery)).toEqual({ outcome: "done" });
  const ofNodes = nodeJobHandlers(nodePorts(fleet));
  const again = { ...delivery, redelivered: true };
  const ends = await Promise.all([
    deviceJobHandlers({ ...ports, clock: { now } })["forget-devices"](ofDevices, again),
    ofNodes["delete-node"]({ name: "a", force: false, ...asked }, again),
  ]);
  expect(ends).toEqual([{ outcome: "done" }, { outcome: "deleted" }]);
});

/** Without a way to any node. */
function nodePorts(store: InMemoryFleet): NodeJobPorts {
  return {
    ...{ store, prefix: "test", change: fleetChanger(store, noHints) },
    clock: { now, monotonic: now, sleep: async () => undefined },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody listens
    redis: {} as Redis,
    log: createLogger({ service: "test", version: "0", level: "silent" }),
    certificates: { fault: () => null },
    processAt: async () => null,
    inboundFault: async () => null,
    leftBehind: async () => 0,
    leave: () => ({ answers: async () => false, isInFile: false, places: [], close: () => undefined }),
    readLast: async () => true,
  };
}
