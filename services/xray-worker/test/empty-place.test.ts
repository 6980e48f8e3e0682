import { randomUUID } from "node:crypto";
import { type InboundVault, NodeIndeterminateError } from "@veil/keys";
import { placesOf } from "@veil/nodes";
import { someNode } from "@veil/nodes/testing";
import { startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, XrayIndeterminateError, type XrayNode } from "@veil/xray-grpc";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { emptyPlace } from "../src/nodes/empty-place.ts";

let xray: TestXray;
let node: XrayNode;
let vault: Pick<InboundVault, "save" | "load">;

beforeAll(async () => {
  xray = await startTestXray(inject("xrayBinary"));
});
afterAll(() => xray.stop());

beforeEach(async () => {
  await xray.restart();
  node = connectXrayNode({ name: "main", address: xray.api, inboundTag: xray.inboundTag });
  let stored: string | null = null;
  vault = { load: async () => stored, save: async (_name, text) => void (stored = text) };
});
afterEach(() => node.close());

function empty(of = node): Promise<void> {
  const [place] = placesOf(someNode("main", { inboundTag: xray.inboundTag }));
  return emptyPlace(place, of, { vault, shortId: xray.shortId });
}

/** @param ours how many users, beside one of somebody else */
async function fill(ours: number): Promise<void> {
  const emails = [...Array.from({ length: ours }, (_, index) => `${index + 1}@veil`), "friend@example.com"];
  const add = (email: string) => node.addUser({ email, account: { protocol: "vless", uuid: randomUUID(), flow: "" } });
  for (let begun = 0; begun < emails.length; begun += 32) await Promise.all(emails.slice(begun, begun + 32).map(add));
}

const held = async () => (await node.listUsers()).map(({ email }) => email);

test.each([3, 1_001])("takes %i users of ours out of an inbound, and nobody else", async (ours) => {
  await fill(ours);
  await empty();
  expect(await held()).toEqual(["friend@example.com"]);
});

test("puts an inbound back that was cut off while it was made anew, with those who are not ours", async () => {
  await fill(1_001);
  const addInbound = () => Promise.reject(new XrayIndeterminateError("main", "addInbound", 4, "no answer"));
  await expect(empty({ ...node, addInbound })).rejects.toThrow(NodeIndeterminateError);
  expect(await node.listInboundTags()).not.toContain(xray.inboundTag);
  await expect(empty({ ...node, addInbound })).rejects.toThrow(NodeIndeterminateError);
  await empty();
  expect(await held()).toEqual(["friend@example.com"]);
});

test("has nothing to do where there never was such an inbound", async () => {
  await node.removeInbound();
  await empty();
  expect(await node.listInboundTags()).not.toContain(xray.inboundTag);
});
