import { randomUUID } from "node:crypto";
import { someNode } from "@veil/nodes/testing";
import { startTestXray, type TestXray } from "@veil/test-support";
import { type ConnectedXray, connectXrayNode } from "@veil/xray-grpc";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { leftBehind } from "../src/nodes/left-behind.ts";

let first: TestXray;
let second: TestXray;
let node: ConnectedXray;

beforeAll(async () => {
  [first, second] = await Promise.all([startTestXray(inject("xrayBinary")), startTestXray(inject("xrayBinary"))]);
});
afterAll(() => Promise.all([first.stop(), second.stop()]));

beforeEach(async () => {
  await first.restart();
  node = connectXrayNode({ name: "other", address: first.api, inboundTag: first.inboundTag });
  for (const email of ["1@veil", "someone@else"]) {
    await node.addUser({ email, account: { protocol: "vless", uuid: randomUUID(), flow: "" } });
  }
});
afterEach(() => node.close());

const moved = (address: string, connected: readonly ConnectedXray[] = []) => {
  const of = someNode("main", { address: first.api, inboundTag: first.inboundTag });
  const ports = { certificates: { identity: () => undefined }, connected: () => connected, newMark: randomUUID };
  return leftBehind(of, { address, tls: null }, ports);
};

test("a node leaves nobody where it was: neither for another Xray nor for none", async () => {
  const stays = `the Xray at ${first.api} has 1 users of node main, and is not found at`;
  expect(await moved(second.api)).toContain(stays);
  expect(await moved("127.0.0.1:1")).toContain(stays);
});

test("it leaves nobody behind who is not ours, in the same Xray, or in one that another node looks after", async () => {
  expect(await moved(first.api.replace("127.0.0.1", "localhost"))).toBeNull();
  expect(await moved(second.api, [node])).toBeNull();
  await node.removeUser("1@veil");
  expect(await moved(second.api)).toBeNull();
});

test("a server that answers no more is taken for one that is gone", async () => {
  await first.kill();
  expect(await moved(second.api)).toBeNull();
});
