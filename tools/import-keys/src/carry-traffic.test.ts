import { figuresOf, type LedgerUpdate, prepareReset, totals, usageOf } from "@veil/traffic";
import { InMemoryNodeLivesStore, InMemoryTrafficStore } from "@veil/traffic/testing";
import type { XrayNode } from "@veil/xray-grpc";
import { beforeEach, describe, expect, it } from "vitest";
import { carryTraffic } from "./carry-traffic.ts";
import { ownersOf } from "./former-users.ts";
import type { LegacyKey } from "./legacy-key.ts";

const UP = "user>>>user_7_3f2b8a52>>>traffic>>>uplink";
const DOWN = "user>>>user_7_3f2b8a52>>>traffic>>>downlink";

/** Counts as a process does; a restart forgets all of it. */
class CountingNode {
  readonly name = "main";
  counters = new Map<string, number>();
  #mark: string | null = null;
  #startedAt = Date.now() - 3_600_000;

  readProcessMark = () => Promise.resolve(this.#mark);
  plantProcessMark = (id: string) => {
    this.#mark ??= id;
    return Promise.resolve("planted" as const);
  };
  uptimeSeconds = () => Promise.resolve(Math.floor((Date.now() - this.#startedAt) / 1000));
  queryCounters = () => Promise.resolve([...this.counters].map(([name, value]) => ({ name, value })));

  count(upBytes: number, downBytes: number): void {
    this.counters.set(UP, (this.counters.get(UP) ?? 0) + upBytes);
    this.counters.set(DOWN, (this.counters.get(DOWN) ?? 0) + downBytes);
  }

  restart(): void {
    this.counters.clear();
    this.#mark = null;
    this.#startedAt = Date.now();
  }
}

const anHourAgo = Math.floor(Date.now() / 1000) - 3_600;
let node: CountingNode;
let records: InMemoryTrafficStore;
let lives: InMemoryNodeLivesStore;
let clock: { now: () => number };

beforeEach(() => {
  node = new CountingNode();
  records = new InMemoryTrafficStore();
  lives = new InMemoryNodeLivesStore();
  clock = { now: () => Date.now() };
});

function keyWith(traffic: LegacyKey["traffic"]): LegacyKey {
  const uuid = "3f2b8a52-6f0c-4a7b-9a51-0c1d2e3f4a5b";
  return { id: 7, uuid, name: null, shortId: null, createdAt: 0, isActive: true, traffic };
}

async function carry(key: LegacyKey): Promise<{ up: number; down: number }> {
  const nodes = [node as unknown as XrayNode];
  await carryTraffic([key], ownersOf([key]), { clock, nodes, records, lives });
  const record = await records.find("7");
  return record === null ? { up: 0, down: 0 } : totals(record);
}

describe("carryTraffic", () => {
  it("takes stored totals once when Xray counts nothing any more", async () => {
    const key = keyWith({ up: 5, down: 9, updatedAt: anHourAgo });
    expect(await carry(key)).toEqual({ up: 5, down: 9 });
    expect(await carry(key)).toEqual({ up: 5, down: 9 });
  });

  it("takes nothing over as usage of the hour of the import, nor as a first connection", async () => {
    node.count(50, 90);
    await carry(keyWith({ up: 5, down: 9, updatedAt: anHourAgo - 60 }));
    const record = await records.find("7");
    const now = Math.floor(Date.now() / 1000);
    const range = { from: now - 7_200, to: now + 1, step: "hour" } as const;
    const usage = usageOf(record, null, range);
    expect(usage.map(({ up }) => up)).toEqual(usage.map(() => 0));
    expect(figuresOf(record)).toMatchObject({ lifetime: { up: 55, down: 99 }, firstCountedAt: null });
  });

  it("does not add a copy that was made in this life of Xray to the counters that it is a copy of", async () => {
    node.count(5, 9);
    expect(await carry(keyWith({ up: 4, down: 9, updatedAt: anHourAgo + 60 }))).toEqual({ up: 5, down: 9 });
  });

  it("tells the life of a copy by the time that all share, on a machine whose clock is two hours ahead", async () => {
    const aheadS = 7_200;
    clock = { now: () => Date.now() - aheadS * 1_000 };
    node.count(5, 9);
    expect(await carry(keyWith({ up: 4, down: 9, updatedAt: anHourAgo - aheadS + 60 }))).toEqual({ up: 5, down: 9 });
  });

  it("adds counters to a copy of an earlier life, also where they stand above it", async () => {
    node.count(50, 90);
    expect(await carry(keyWith({ up: 5, down: 9, updatedAt: anHourAgo - 60 }))).toEqual({ up: 55, down: 99 });
  });

  it("adds counters to a copy that they have fallen below", async () => {
    node.count(5, 1);
    expect(await carry(keyWith({ up: 4, down: 9, updatedAt: anHourAgo + 60 }))).toEqual({ up: 9, down: 10 });
  });

  it("adds later what connections of before still moved, and nothing twice", async () => {
    const key = keyWith({ up: 5, down: 9, updatedAt: anHourAgo + 60 });
    node.count(5, 9);
    await carry(key);
    node.count(1, 2);
    expect(await carry(key)).toEqual({ up: 6, down: 11 });
    expect(await carry(key)).toEqual({ up: 6, down: 11 });
  });

  it("keeps what it took when Xray restarts between two runs", async () => {
    const key = keyWith({ up: 5, down: 9, updatedAt: anHourAgo + 60 });
    node.count(5, 9);
    await carry(key);
    node.restart();
    expect(await carry(key)).toEqual({ up: 5, down: 9 });
    node.count(1, 1);
    expect(await carry(key)).toEqual({ up: 6, down: 10 });
  });

  it("brings nothing back after a reset", async () => {
    const key = keyWith({ up: 5, down: 9, updatedAt: anHourAgo - 60 });
    node.count(1, 1);
    await carry(key);
    const reset = prepareReset(await records.find("7"), "reset-1", new Map([["main", 1]]), 0);
    await records.write({ entity: "7", readAt: 0, raise: {}, append: [reset] });
    expect(await carry(key)).toEqual({ up: 0, down: 0 });
    node.count(2, 3);
    expect(await carry(key)).toEqual({ up: 2, down: 3 });
  });
});

it("takes over nothing for a key whose record makes no sense: whether it has is not known", async () => {
  const key = keyWith({ up: 5, down: 6, updatedAt: anHourAgo });
  const findMany = async () => new Map([["7", "unreadable" as const]]);
  const written: string[] = [];
  const writeMany = async (updates: readonly LedgerUpdate[]) => {
    written.push(...updates.map(({ entity }) => entity));
    return new Set<string>();
  };
  const ports = { clock, nodes: [node as unknown as XrayNode], records: { findMany, writeMany }, lives };
  await expect(carryTraffic([key, { ...key, id: 8 }], ownersOf([key]), ports)).rejects.toThrow("can't be read: 7");
  expect(written).toEqual(["8"]);
});
