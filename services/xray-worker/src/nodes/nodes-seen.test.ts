import type { NodeSighting } from "@veil/keys";
import type { NodePass, SeenInbound } from "@veil/nodes";
import { beforeEach, expect, it } from "vitest";
import { NodesSeen } from "./nodes-seen.ts";

let now = 0;
const clock = { now: () => now, monotonic: () => now };
const written: ReadonlyMap<string, NodeSighting>[] = [];
const passes: ReadonlyMap<string, NodePass>[] = [];
const inbounds: ReadonlyMap<string, SeenInbound>[] = [];
const stores = {
  sightings: { note: async (noted: ReadonlyMap<string, NodeSighting>) => void written.push(noted) },
  passes: { note: async (noted: ReadonlyMap<string, NodePass>) => void passes.push(noted) },
  seenInbounds: { note: async (noted: ReadonlyMap<string, SeenInbound>) => void inbounds.push(noted) },
};

beforeEach(() => {
  written.length = 0;
  passes.length = 0;
  inbounds.length = 0;
});

it("writes what was seen since it last wrote, each node's last word", async () => {
  now = 1_000.7;
  const seen = new NodesSeen(stores, clock);
  seen.probed("a", true);
  seen.probed("b", false);
  now = 2_000;
  seen.probed("a", false);
  now = 6_500;
  seen.probed("b", false);
  now = 7_000;
  seen.probed("a", false);
  seen.probed("b", true);
  now = 8_000;
  seen.probed("a", null);
  const drift = { missing: [], wrong: [], orphans: [], unknown: [], indeterminate: [] };
  seen.passed("a", { users: 3, drift });
  const ways = { protocol: "trojan", transport: "tcp", path: null, host: null, asks: null } as const;
  const runs = { ...ways, reality: null, serverKey: null, encryption: null };
  seen.described("a", runs);
  await seen.write();
  await seen.write();
  const noted = { at: 8_000, users: 3, missing: 0, wrong: 0, orphans: 0 };
  expect(passes).toEqual([new Map([["a", noted]]), new Map()]);
  const found = { at: 8_000, runs };
  expect(inbounds).toEqual([new Map([["a", found]]), new Map()]);
  expect(written).toEqual([
    new Map([
      ["a", { seenAt: 1_000, failedAt: 7_000 }],
      ["b", { seenAt: 7_000, failedAt: 6_500 }],
    ]),
    new Map(),
  ]);
});

it("begins anew with a node whose name was one that failed", async () => {
  now = 0;
  const seen = new NodesSeen(stores, clock);
  seen.probed("a", false);
  seen.left("a");
  now = 60_000;
  seen.probed("a", false);
  await seen.write();
  expect(written.at(-1)?.size).toBe(0);
});

it("takes a node for failing only after nothing else was seen of it for a while", async () => {
  now = 60_000;
  const seen = new NodesSeen(stores, clock);
  const probeAt = (at: number, isServing: boolean) => {
    now = at;
    seen.probed("a", isServing);
  };
  // Of a worker that has just started: its first call comes too late.
  probeAt(60_000, false);
  probeAt(64_999, false);
  await seen.write();
  probeAt(65_000, true);
  probeAt(66_000, false);
  probeAt(70_999, false);
  await seen.write();
  probeAt(71_000, false);
  await seen.write();
  expect(written).toEqual([
    new Map(),
    new Map([["a", { seenAt: 65_000, failedAt: null }]]),
    new Map([["a", { seenAt: null, failedAt: 71_000 }]]),
  ]);
});
