import type { SeenInbound } from "@veil/nodes";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";

const NOW = 1_800_000_000_000;

let store: TestStore;

beforeAll(async () => {
  store = await openTestStore();
});

afterAll(async () => {
  await store.connection.dropDatabase();
  await store.close();
});

const vless = (at: number, serverName: string): SeenInbound => ({
  at,
  runs: {
    ...{ protocol: "vless", transport: "xhttp", path: "/a", host: "a.example", asks: "asks for more", serverKey: null },
    reality: { publicKey: "key", serverNames: [serverName], shortIds: ["7bb4505000000000"] },
    encryption: { mode: "native", publicKeys: ["k", null] },
  },
});
const shadowsocks: SeenInbound = {
  at: NOW,
  runs: {
    ...{ protocol: "shadowsocks-2022", transport: "tcp", path: null, host: null, asks: null, serverKey: "secret" },
    ...{ reality: null, encryption: null },
  },
};

it("keeps how each inbound was last found, whichever worker notes it when", async () => {
  expect(await store.seenInbounds.list()).toEqual(new Map());
  const first = new Map([
    ["main", vless(NOW, "b.example")],
    ["main_ss", shadowsocks],
  ]);
  await store.seenInbounds.note(first, NOW);
  await store.seenInbounds.note(new Map([["main", vless(NOW - 1, "a.example")]]), NOW);
  expect(await store.seenInbounds.list()).toEqual(first);
  await store.seenInbounds.note(new Map([["main", vless(NOW + 1, "c.example")]]), NOW + 1);
  expect((await store.seenInbounds.list()).get("main")).toEqual(vless(NOW + 1, "c.example"));
});

it("forgets after a month what nobody notes any more", async () => {
  const later = NOW + 31 * 24 * 60 * 60_000;
  await store.seenInbounds.note(new Map([["main", vless(later, "a.example")]]), later);
  expect(await store.seenInbounds.list()).toEqual(new Map([["main", vless(later, "a.example")]]));
  await store.seenInbounds.note(new Map([["main_ss", { ...shadowsocks, at: later - 1 }]]), later);
  expect((await store.seenInbounds.list()).size).toBe(2);
});

it("passes over a note that a version to come has written", async () => {
  const documents = store.connection.collection<{ _id: string }>("nodes_seen");
  await documents.updateOne({ _id: "inbounds" }, { $set: { "nodes.newer": { at: NOW, protocol: "smoke" } } });
  expect([...(await store.seenInbounds.list()).keys()].toSorted()).toEqual(["main", "main_ss"]);
});
