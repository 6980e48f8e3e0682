import { describe, expect, it, vi } from "vitest";
import { GrowingLru } from "./growing-lru.ts";

describe("a growing LRU", () => {
  it("holds as many entries as it may, and forgets what was used longest ago", () => {
    const lru = new GrowingLru<string, number>(2);
    lru.set("a", 1);
    lru.set("b", 2);
    expect(lru.get("a")).toBe(1);
    lru.set("c", 3);
    expect([...lru.keys()].toSorted()).toEqual(["a", "c"]);
  });

  it("forgets an entry when its time is up", async () => {
    let now = 1_000;
    const lru = new GrowingLru<string, true>(2, { ttl: 50, perf: { now: () => now } });
    lru.set("a", true);
    now += 49;
    expect(lru.has("a")).toBe(true);
    now += 2;
    await vi.waitFor(() => expect(lru.has("a")).toBe(false));
  });

  it("takes no memory for what it may hold", () => {
    const before = memory();
    const lru = new GrowingLru<string, number>(10_000_000);
    lru.set("a", 1);
    expect(memory() - before).toBeLessThan(50 * 2 ** 20);
  });
});

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
