import { firstTerms, type KeyRecord, subscriptionToken, UnreadableRecordError } from "@veil/keys";
import type { Connection } from "@veil/protocols";
import { describe, expect, it } from "vitest";
import { figuresOf, InMemoryPlane } from "../../test/in-memory/in-memory-plane.ts";
import { LinkNotConfiguredError } from "../errors.ts";
import type { KeyPlace } from "../ports.ts";
import type { DeviceArrival } from "./device-gate.ts";
import { keySubscriptions } from "./key-subscriptions.ts";

const NOW = 1_800_000_000_000;

function place(node: string, ...more: string[]): KeyPlace {
  const connection = {
    protocol: "vless",
    port: 443,
    flow: "",
    security: { kind: "none" },
    transport: { kind: "tcp" },
  } as const;
  return {
    node,
    inbounds: [node, ...more],
    tellsTraffic: false,
    connectionOf: ({ uuid }): Connection => ({ ...connection, uuid, remark: node, address: `${node}.example` }),
  };
}

function subscribed(overrides: Partial<KeyRecord> = {}, places = [place("a"), place("b", "c")]) {
  const plane = new InMemoryPlane();
  const key = plane.addKey(overrides);
  const down = new Set<string>();
  let reads = 0;
  plane.beforeRead = async () => void (reads += 1);
  const reader = keySubscriptions({
    keys: plane.keyReader,
    traffic: plane.trafficReader,
    usageOf: async (keyId, now) => [{ at: now, upload: keyId, download: 0 }],
    downNodes: async () => (node) => down.has(node),
    places: async ({ groups }) => places.filter(({ node }) => groups.includes("default") || groups.includes(node)),
    urlOf: (token) => `https://sub.example/sub/${token}`,
    clock: { now: () => NOW },
    gate: {
      read: (keyId) => plane.devices.find(keyId),
      refusalOf: async (_key, list) => (list === null ? null : "device_limit"),
    },
  });
  const find = (token = key.token, withUsage = false, arrival: DeviceArrival | null = null) =>
    reader.findByToken(token, { withUsage, arrival });
  const shown = async () => (await find())?.connections.map(({ remark }) => remark);
  return { plane, key, down, find, shown, reads: () => reads };
}

describe("the subscription of a stored key", () => {
  it("says what the key is, and its usage only when that is needed", async () => {
    const { plane, key, find } = subscribed({ name: "Anna" });
    plane.traffic.set(key.keyId, { ...figuresOf({ upload: 10, download: 25 }), reset: { upload: 4, download: 5 } });
    const url = `https://sub.example/sub/${key.token}`;
    const figures = { upload: 6, download: 20, trafficLimit: null, expiresAt: null, holdFor: null };
    expect((await find())?.key).toEqual({ name: "Anna", status: "active", ...figures, usage: [], url });
    const usage = [{ at: NOW / 1_000, upload: key.keyId, download: 0 }];
    expect((await find(key.token, true))?.key.usage).toEqual(usage);
  });

  it("has the status of the moment", async () => {
    const { plane, key, find } = subscribed();
    plane.keys.set(key.keyId, { ...key, terms: { ...key.terms, expiresAt: NOW / 1_000 } });
    expect((await find())?.key).toMatchObject({ status: "expired", expiresAt: NOW / 1_000 });
    plane.keys.set(key.keyId, { ...key, terms: { ...key.terms, holdFor: 60, holdUntil: NOW / 1_000 + 1 } });
    expect((await find())?.key).toMatchObject({ status: "on_hold", expiresAt: null, holdFor: 60 });
    plane.keys.set(key.keyId, { ...key, terms: { ...key.terms, holdFor: 60, holdUntil: NOW / 1_000 } });
    expect((await find())?.key).toMatchObject({ status: "active", expiresAt: NOW / 1_000 + 60, holdFor: null });
  });

  it("leads to its places where the record of its traffic is damaged", async () => {
    const { plane, find, shown } = subscribed();
    plane.trafficReader.find = () =>
      Promise.reject(new UnreadableRecordError("traffic: the document 1 makes no sense"));
    expect((await find())?.key).toMatchObject({ status: "active", upload: 0, download: 0 });
    expect(await shown()).toEqual(["a", "b"]);
  });

  it("is found by the whole token alone, and not after its key", async () => {
    const { plane, key, find } = subscribed();
    const other = subscriptionToken(key.keyId, Buffer.alloc(36, 7));
    expect([await find(other), await find(subscriptionToken(99, Buffer.alloc(36, 7)))]).toEqual([null, null]);
    plane.keys.set(key.keyId, { ...key, phase: "deleting" });
    expect(await find()).toBeNull();
  });

  it("asks nothing of the store for what can be no token", async () => {
    const { key, find, reads } = subscribed();
    for (const text of [
      "",
      "short",
      `${key.token}0`,
      key.token.slice(1),
      `${key.token.slice(0, -1)}-`,
      "é".repeat(33),
    ]) {
      expect(await find(text)).toBeNull();
    }
    expect(reads()).toBe(0);
  });
});

describe("its connections", () => {
  it("are those of the key's groups alone", async () => {
    const terms = (groups: readonly string[]) => firstTerms({ groups }, { createdAt: 0, nextResetAt: null });
    expect(await subscribed({ terms: terms(["b"]) }).shown()).toEqual(["b"]);
    expect(await subscribed({ terms: terms(["nobody"]) }).shown()).toEqual([]);
  });

  it("leave out places none of whose nodes answers", async () => {
    const { down, shown } = subscribed();
    down.add("b");
    expect(await shown()).toEqual(["a", "b"]);
    down.add("c");
    expect(await shown()).toEqual(["a"]);
    down.add("a");
    expect(await shown()).toEqual([]);
  });

  it("leave out nodes that may not have the user yet, unless there are no others", async () => {
    expect(await subscribed({ indeterminate: ["a"] }).shown()).toEqual(["b"]);
    expect(await subscribed({ indeterminate: ["a", "b"] }).shown()).toEqual(["b"]);
    expect(await subscribed({ indeterminate: ["a", "b", "c"] }).shown()).toEqual(["a", "b"]);
  });

  it("are none where the settings suffice for no link", async () => {
    const connectionOf = () => {
      throw new LinkNotConfiguredError("server domain");
    };
    expect(await subscribed({}, [{ ...place("a"), connectionOf }]).shown()).toEqual([]);
  });
});
