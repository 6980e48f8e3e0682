import { randomUUID } from "node:crypto";
import { createLogger, systemClock } from "@veil/runtime";
import { connectXrayNode } from "@veil/xray-grpc";
import { afterEach, describe, expect, inject, it, vi } from "vitest";
import { ClusterFigures } from "../src/cluster/cluster-figures.ts";
import { CountingXray, type Counting } from "./engines/counting-xray.ts";

const INBOUND_TAG = "vless-in";
const releases: (() => unknown)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).toReversed()) await release();
});

async function watch(counting: Counting) {
  const xray = await CountingXray.start(inject("xrayBinary"), counting);
  releases.push(() => xray.stop());
  const node = connectXrayNode({ name: "main", address: xray.address, inboundTag: INBOUND_TAG });
  releases.push(() => node.close());
  const log = createLogger({ service: "test", version: "0", level: "silent" });
  const warn = vi.spyOn(log, "warn");
  const shown = { ...node, inboundTags: () => [INBOUND_TAG] };
  const figures = new ClusterFigures({
    countKeys: async () => ({ creating: 0, active: 1, deleting: 0 }),
    readQueues: async () => [],
    readWebhooks: async () => ({ counts: { on: 0, off: 0, dead: 0 }, waiting: 0, oldestAt: null }),
    nodes: () => [shown],
    topUsers: 0,
    clock: systemClock,
    log,
  });
  const uuid = randomUUID();
  await node.addUser({ email: "1@veil", account: { protocol: "vless", uuid, flow: "" } });
  const look = async () => {
    await figures.read();
    return figures.nodes.get("main");
  };
  return { xray, uuid, look, warn, node };
}

describe("a node of which no user is counted", () => {
  it("is found when bytes went through it, and warned of once", async () => {
    const { xray, uuid, look, warn } = await watch("no users");
    expect(await look()).toMatchObject({ answers: true, usersUncounted: false });
    await xray.intrude(randomUUID());
    expect(await look()).toMatchObject({ usersUncounted: false });
    await xray.upload(uuid, 100_000);
    await expect.poll(look).toMatchObject({ answers: true, usersUncounted: true });
    await look();
    expect(warn.mock.calls.map(([, message]) => message)).toEqual(["the node does not count its users' traffic"]);
  });

  it("is found at once when it has no counters at all", async () => {
    const { look } = await watch("no counters");
    expect(await look()).toMatchObject({ answers: true, usersUncounted: true });
  });

  it("is not called so while nothing tells it from a new one", async () => {
    const { xray, uuid, look, warn } = await watch("nothing");
    await xray.upload(uuid, 100_000);
    expect(await look()).toMatchObject({ answers: true, usersUncounted: false });
    expect(warn).not.toHaveBeenCalled();
  });
});

it("a node that counts its users is never taken for one that does not, not after a restart either", async () => {
  const { xray, uuid, look, warn, node } = await watch("all");
  expect(await look()).toMatchObject({ usersUncounted: false });
  for (let life = 0; life < 2; life++) {
    await xray.upload(uuid, 100_000);
    for (let times = 0; times < 20; times++) expect(await look()).toMatchObject({ usersUncounted: false });
    await xray.restart();
    await expect
      .poll(() => node.addUser({ email: "1@veil", account: { protocol: "vless", uuid, flow: "" } }).catch(() => 0))
      .toBe("added");
  }
  expect(warn).not.toHaveBeenCalled();
});
