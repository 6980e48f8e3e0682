import { randomUUID } from "node:crypto";
import type { FleetNode } from "@veil/nodes";
import { someNode } from "@veil/nodes/testing";
import { startTestXray, type TestXray } from "@veil/test-support";
import { type ConnectedXray, connectXrayNode } from "@veil/xray-grpc";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { leftBehind, tellOfLeftBehind } from "../src/nodes/left-behind.ts";

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

const main = (address = first.api) => someNode("main", { address, inboundTag: first.inboundTag });
const portsOf = (connected: readonly ConnectedXray[] = []) => {
  return { certificates: { identity: () => undefined }, connected: () => connected, newMark: randomUUID };
};
const moved = (address: string, connected?: readonly ConnectedXray[]) =>
  leftBehind(main(), { address, tls: null }, portsOf(connected));

test("a node leaves nobody where it was: neither for another Xray nor for none", async () => {
  expect(await moved(second.api)).toBe(1);
  expect(await moved("127.0.0.1:1")).toBe(1);
});

test("it leaves nobody behind who is not ours, in the same Xray, or in one that another node looks after", async () => {
  expect(await moved(first.api.replace("127.0.0.1", "localhost"))).toBe(0);
  expect(await moved(second.api, [node])).toBe(0);
  await node.removeUser("1@veil");
  expect(await moved(second.api)).toBe(0);
});

test("users whom the environment has left are logged", async () => {
  const lines: unknown[] = [];
  const note = (fields: unknown) => void lines.push(fields);
  const tell = (...nodes: FleetNode[]) =>
    tellOfLeftBehind([main()], nodes, { ...portsOf(), log: { warn: note, error: note } });
  await tell(main(first.api.replace("127.0.0.1", "localhost")));
  expect(lines).toEqual([]);
  await tell();
  await tell(main(second.api));
  const left = { node: "main", address: first.api, users: 1 };
  expect(lines).toEqual([left, left]);
});

test("a server that answers no more is taken for one that is gone", async () => {
  await first.kill();
  expect(await moved(second.api)).toBe(0);
});
