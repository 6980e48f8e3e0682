import { expect, it, vi } from "vitest";
import { DownNodes } from "./down-nodes.ts";
import type { NodeSighting } from "./node-states.ts";

const SERVING = { seenAt: 9_500, failedAt: 9_000 };
const DOWN = { seenAt: 1, failedAt: 9_000 };

it("reads once a second for all who ask, and keeps what it read while that fails", async () => {
  let now = 0;
  const list = vi.fn<() => Promise<ReadonlyMap<string, NodeSighting>>>(async () => new Map([["a", DOWN]]));
  const down = new DownNodes({ list }, { monotonic: () => now });
  const isDown = async () => (await down.test())("a");
  expect(await Promise.all([isDown(), isDown()])).toEqual([true, true]);
  now = 999;
  await isDown();
  expect(list).toHaveBeenCalledTimes(1);

  now = 1_000;
  list.mockRejectedValueOnce(new Error("away"));
  expect(await isDown()).toBe(true);
  now = 2_000;
  list.mockResolvedValueOnce(new Map([["a", SERVING]]));
  expect(await isDown()).toBe(false);
});

it("takes a node for down that no worker has put its users on, where they noted others", async () => {
  const sightings = new Map<string, NodeSighting>();
  const down = new DownNodes({ list: async () => sightings }, { monotonic: () => performance.now() * 1_000_000 });
  const isDown = async () => (await down.test())("new");
  expect(await isDown()).toBe(false);
  sightings.set("old", SERVING);
  expect(await isDown()).toBe(true);
  sightings.set("new", SERVING);
  expect(await isDown()).toBe(false);
});

it("tells by the same function until a node goes down or comes back", async () => {
  const sightings = new Map<string, NodeSighting>([["a", SERVING]]);
  const down = new DownNodes({ list: async () => sightings }, { monotonic: () => performance.now() * 1_000_000 });
  const first = await down.test();
  sightings.set("a", { seenAt: 10_500, failedAt: 9_000 });
  expect(await down.test()).toBe(first);
  sightings.set("a", DOWN);
  expect(await down.test()).not.toBe(first);
  expect(down.known()("a")).toBe(true);
});
