import { randomUUID } from "node:crypto";
import type { MongoStore } from "@veil/mongo";
import { createLogger, systemClock } from "@veil/runtime";
import { nodeEntity, totals } from "@veil/traffic";
import { connectXrayNode, type InboundDefinition, type XrayNode } from "@veil/xray-grpc";
import { userEmail } from "@veil/protocols";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import type { MeteredNode } from "../src/sync/node-counters.ts";
import { NodeEpochs } from "../src/sync/node-epochs.ts";
import { NodeSync } from "../src/sync/node-sync.ts";
import { TrafficRefresher } from "../src/jobs/refresh-traffic.ts";
import { resetTraffic } from "../src/jobs/reset-traffic.ts";
import { COUNTING_TAGS, CountingXray } from "./engines/counting-xray.ts";
import { ownMongodb } from "./engines/own-mongodb.ts";

const log = createLogger({ service: "test", version: "0", level: "silent" });
const INBOUND_TAG = "vless-in";
/** The most bytes that VLESS puts in front of a user's. */
const OVERHEAD = 1_000;

let xray: CountingXray;
let node: XrayNode;
let drop: () => Promise<void>;
let records: MongoStore["traffic"];
let lives: MongoStore["nodeLives"];
let keyId = 0;
let uuid = "";

beforeAll(async () => {
  const own = await ownMongodb(inject("mongodbUri"));
  drop = own.drop;
  records = own.mongodb.traffic;
  lives = own.mongodb.nodeLives;
  xray = await CountingXray.start(inject("xrayBinary"));
  node = connectXrayNode({ name: "main", address: xray.address, inboundTag: INBOUND_TAG });
});

afterAll(async () => {
  node.close();
  await xray.stop();
  await drop();
});

beforeEach(async () => {
  keyId += 1;
  uuid = randomUUID();
  await addUser();
});

async function addUser(): Promise<void> {
  await node.addUser({ email: userEmail(keyId), account: { protocol: "vless", uuid, flow: "" } });
}

function shared() {
  const nodes = [metered()];
  const duplicates = { check: () => undefined, forget: () => undefined };
  const epochs = new NodeEpochs(lives, systemClock, randomUUID, duplicates, () => nodes);
  const keys = {
    count: async () => 1,
    among: async (ids: readonly number[]) => new Set(ids),
    kept: async (ids: readonly number[]) => new Set(ids),
  };
  return { nodes: () => nodes, epochs, records, keys, clock: systemClock, onRecord: () => undefined };
}

/** The node as settings list it, perhaps under another name. */
function metered(name = "main"): MeteredNode {
  return { ...node, name, address: xray.address, inboundTags: () => [INBOUND_TAG], multiplier: () => 1 };
}

function collector(name?: string): NodeSync {
  return new NodeSync({
    ...shared(),
    node: metered(name),
    lives,
    onBooked: () => undefined,
    onSynced: () => undefined,
  });
}

async function uploaded(entity = String(keyId)): Promise<number> {
  const record = await records.find(entity);
  return record === null ? 0 : totals(record).up;
}

function expectBytes(actual: number, moved: number): void {
  expect(actual).toBeGreaterThanOrEqual(moved);
  expect(actual).toBeLessThanOrEqual(moved + OVERHEAD);
}

describe("a collector on a real Xray and a real MongoDB", () => {
  it("counts a user's bytes, and the same bytes for the node", async () => {
    const sync = collector();
    await sync.run();
    const before = await uploaded(nodeEntity("main"));
    await xray.upload(uuid, 3_000_000);
    await sync.run();
    expectBytes(await uploaded(), 3_000_000);
    expectBytes((await uploaded(nodeEntity("main"))) - before, 3_000_000);
  });

  it("counts once and goes on when the node gets another name", async () => {
    await xray.upload(uuid, 5_000_000);
    await collector().run();
    const renamed = collector("de-1");
    await renamed.run();
    await xray.upload(uuid, 1_000_000);
    await Promise.all([collector().run(), renamed.run()]);
    expectBytes(await uploaded(), 6_000_000);
    expectBytes(await uploaded(nodeEntity("de-1")), 1_000_000);
  });

  it("counts on when Xray is killed and started again, whoever reads", async () => {
    const sync = collector();
    await xray.upload(uuid, 1_000_000);
    await sync.run();
    const restarts = (await lives.find("main"))?.restarts ?? 0;
    await xray.restart();
    await reconnected();
    await addUser();
    await xray.upload(uuid, 2_000_000);
    await Promise.all([sync.run(), collector().run(), collector().run()]);
    expectBytes(await uploaded(), 3_000_000);
    expect((await lives.find("main"))?.restarts).toBe(restarts + 1);
  });

  it("counts on when somebody else resets Xray's counters", async () => {
    const sync = collector();
    await xray.upload(uuid, 1_000_000);
    await sync.run();
    await xray.resetCounters();
    await xray.upload(uuid, 300_000);
    await sync.run();
    expectBytes(await uploaded(), 1_300_000);
    await xray.upload(uuid, 300_000);
    await sync.run();
    expectBytes(await uploaded(), 1_600_000);
  });

  it("refreshes one key at once", async () => {
    await xray.upload(uuid, 500_000);
    const result = await new TrafficRefresher({ ...shared(), log }).refresh(keyId);
    expectBytes(result.outcome === "fresh" ? result.upload : -1, 500_000);
    expectBytes(await uploaded(), 500_000);
  });

  it("resets a key to its newest figure, and shows only what comes later", async () => {
    await xray.upload(uuid, 500_000);
    const request = { keyId, owner: null, job: `reset-${keyId}`, deadline: systemClock.now() + 8_000 };
    const result = await resetTraffic(request, shared());
    expectBytes(result.outcome === "reset" ? result.previous_upload : -1, 500_000);
    await xray.upload(uuid, 70_000);
    await collector().run();
    expectBytes(await uploaded(), 70_000);
    expect(await resetTraffic(request, shared())).toEqual(result);
  });
});

it("the total of a node is what its inbounds have carried, however they take each other's place in one life of its Xray", async () => {
  const [swapped, name] = [await CountingXray.start(inject("xrayBinary")), "swapped"];
  const own = connectXrayNode({ name, address: swapped.address, inboundTag: COUNTING_TAGS[0] });
  let tags: readonly [string, ...string[]] = [COUNTING_TAGS[0]];
  const other = own.at(COUNTING_TAGS[1], `${name}/other`);
  const collectors = Array.from({ length: 2 }, () => {
    const shown: MeteredNode = { ...own, name, address: swapped.address, inboundTags: () => tags, multiplier: () => 1 };
    return new NodeSync({ ...shared(), node: shown, lives, onBooked: () => undefined, onSynced: () => undefined });
  });
  const user = { email: userEmail(keyId), account: { protocol: "vless", uuid, flow: "" } } as const;
  /** One inbound goes out of the process, the other one comes into it. */
  const replace = async (leaves: XrayNode, comes: XrayNode, tag: string): Promise<void> => {
    const [left, come] = [await leaves.readInbound(), definitions.get(comes.name)];
    if (left === null || come === undefined) throw new Error("no inbound");
    definitions.set(leaves.name, left);
    await leaves.removeInbound();
    expect(await comes.addInbound(come, [user])).toEqual([]);
    tags = [tag];
  };
  const definitions = new Map<string, InboundDefinition>();
  const carried = async (): Promise<readonly number[]> => {
    for (const each of collectors) await each.run();
    const counters = await own.queryCounters("inbound>>>");
    const counted = counters.filter(({ name: counter }) => counter.endsWith("uplink") && !counter.includes("api"));
    return [await uploaded(nodeEntity(name)), counted.reduce((sum, { value }) => sum + value, 0)];
  };
  try {
    const unused = await other.readInbound();
    if (unused === null) throw new Error("no inbound");
    definitions.set(other.name, unused);
    await other.removeInbound();
    await own.addUser(user);
    await swapped.upload(uuid, 1_000_000);
    const seen = [await carried()];
    await replace(own, other, COUNTING_TAGS[1]);
    await swapped.upload(uuid, 3_000_000, COUNTING_TAGS[1]);
    seen.push(await carried());
    await replace(other, own, COUNTING_TAGS[0]);
    await swapped.upload(uuid, 500_000);
    seen.push(await carried());
    await replace(own, other, COUNTING_TAGS[1]);
    await swapped.upload(uuid, 200_000, COUNTING_TAGS[1]);
    seen.push(await carried());
    const moved = [1_000_000, 4_000_000, 4_500_000, 4_700_000];
    for (const [index, [ledger = 0, xrays]] of seen.entries()) {
      expect(ledger).toBe(xrays);
      expectBytes(ledger, moved[index] ?? 0);
    }
    expect((await lives.find(name))?.restarts).toBe(0);
  } finally {
    own.close();
    await swapped.stop();
  }
});

async function reconnected(): Promise<void> {
  const gaveUpAt = systemClock.now() + 10_000;
  while (systemClock.now() < gaveUpAt) {
    if (node.reachable && (await node.uptimeSeconds().catch(() => null)) !== null) return;
    await systemClock.sleep(20);
  }
  throw new Error("the node did not come back");
}
