import { keyEntity, nodeEntity, usageOf } from "@veil/traffic";
import { InMemoryUsageStore } from "@veil/traffic/testing";
import { expect, it, vi } from "vitest";
import { Rig } from "../test/in-memory/rig.ts";
import { UsageKeeper } from "./usage-keeper.ts";

const HOUR_MS = 3_600_000;

class Hours {
  readonly rig = new Rig();
  readonly usage = new InMemoryUsageStore();
  readonly keeper = this.another();
  readonly #sync = this.rig.sync();
  /** How many milliseconds the clock that dates readings is ahead of another one. */
  aheadMs = 0;

  another(): UsageKeeper {
    const clock = { earliest: () => this.rig.clock.now() - this.aheadMs };
    return new UsageKeeper({ records: this.rig.records, usage: this.usage, days: 90, clock });
  }

  /** One hour in which a key moves so many bytes. */
  async pass(bytes: number): Promise<void> {
    this.rig.node.xray.move(1, "up", bytes);
    await this.#sync.run();
    this.keeper.booked(this.rig.booked.splice(0));
    await this.rig.clock.advance(HOUR_MS);
  }

  async hourly(entity: string): Promise<number[]> {
    const to = Math.ceil(this.rig.clock.now() / HOUR_MS) * 3_600;
    const range = { from: to - 10 * 3_600, to, step: "hour" } as const;
    const history = await this.usage.readUsage(entity);
    return usageOf(await this.rig.records.find(entity), history, range).map(({ up }) => up);
  }
}

it("moves hours that are over out of the records of keys and nodes that move, and changes no figure", async () => {
  const hours = new Hours();
  for (const bytes of [5, 1, 2, 3, 4]) {
    await hours.pass(bytes);
    await hours.keeper.pass();
  }
  expect(await hours.hourly(keyEntity(1))).toEqual([0, 0, 0, 0, 5, 1, 2, 3, 4, 0]);
  expect(await hours.hourly(nodeEntity("main"))).toEqual([0, 0, 0, 0, 5, 1, 2, 3, 4, 0]);
  expect(Object.keys((await hours.rig.records.find("1"))?.hours ?? {})).toHaveLength(0);
  expect(await hours.usage.readUsage("1")).not.toBeNull();
});

it("goes on after a pass that was cut off between its two writes, in another collector too", async () => {
  const hours = new Hours();
  for (const bytes of [5, 1, 2, 3, 4]) await hours.pass(bytes);
  const before = await hours.hourly(keyEntity(1));
  vi.spyOn(hours.rig.records, "trimHours").mockRejectedValueOnce(new Error("killed"));
  await expect(hours.keeper.pass()).rejects.toThrow("killed");
  expect(await hours.hourly(keyEntity(1))).toEqual(before);
  const other = hours.another();
  const record = await hours.rig.records.find("1");
  if (record !== null) other.notice(record);
  expect(await other.pass()).toBe(1);
  expect(await hours.keeper.pass()).toBe(1);
  expect(await hours.hourly(keyEntity(1))).toEqual(before);
});

it("reads nothing while nothing is due", async () => {
  const hours = new Hours();
  await hours.pass(1);
  expect(await hours.keeper.pass()).toBe(2);
  const read = vi.spyOn(hours.rig.records, "findMany");
  expect(await hours.keeper.pass()).toBe(0);
  expect(read).not.toHaveBeenCalled();
});

it("goes on with the others when the history of one is refused, which keeps its hours", async () => {
  const hours = new Hours();
  for (const bytes of [5, 1, 2, 3, 4]) await hours.pass(bytes);
  const before = await hours.hourly(keyEntity(1));
  const write = hours.usage.writeMany.bind(hours.usage);
  hours.usage.writeMany = async (updates) => {
    await write(updates.filter(({ entity }) => entity !== keyEntity(1)));
    return new Set([keyEntity(1)]);
  };
  expect(await hours.keeper.pass()).toBe(1);
  expect(await hours.hourly(keyEntity(1))).toEqual(before);
  const hoursOf = async (entity: string) => Object.keys((await hours.rig.records.find(entity))?.hours ?? {}).length;
  expect([await hoursOf(keyEntity(1)), await hoursOf(nodeEntity("main"))]).toEqual([5, 0]);
  expect(await hours.keeper.pass()).toBe(0);
});

it("leaves the hours in a record where what is kept of its past makes no sense, and folds the others", async () => {
  const hours = new Hours();
  for (const bytes of [5, 1, 2, 3, 4]) await hours.pass(bytes);
  const readMany = hours.usage.readMany.bind(hours.usage);
  vi.spyOn(hours.usage, "readMany").mockImplementation(
    async (entities) => new Map([...(await readMany(entities)), ["1", "unreadable"]]),
  );
  expect(await hours.keeper.pass()).toBe(1);
  expect(Object.keys((await hours.rig.records.find("1"))?.hours ?? {})).toHaveLength(5);
  expect(Object.keys((await hours.rig.records.find(nodeEntity("main")))?.hours ?? {})).toHaveLength(0);
  expect(await hours.usage.readUsage("1")).toBeNull();
});

it("forgets nothing by a clock that has jumped ahead of another one", async () => {
  const hours = new Hours();
  for (const bytes of [5, 1, 2]) await hours.pass(bytes);
  await hours.keeper.pass();
  const kept = (await hours.usage.readUsage("1"))?.hours;
  hours.aheadMs = 365 * 24 * HOUR_MS;
  await hours.rig.clock.advance(hours.aheadMs);
  for (const bytes of [3, 4]) await hours.pass(bytes);
  await hours.keeper.pass();
  expect(Object.keys(kept ?? {}).length).toBeGreaterThan(2);
  expect((await hours.usage.readUsage("1"))?.hours).toEqual(kept);
});
