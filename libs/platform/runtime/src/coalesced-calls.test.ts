import { expect, test, vi } from "vitest";
import { CoalescedCalls } from "./coalesced-calls.ts";

/** Batches that end on command. */
function heldBatches() {
  const batches: { readonly items: readonly number[]; readonly end: () => void }[] = [];
  const carryOut = (items: readonly number[]) =>
    new Promise<number[]>((resolve) => {
      batches.push({ items, end: () => resolve(items.map((item) => item * 10)) });
    });
  return { batches, carryOut };
}

const patient = { largest: 100, longestWaitMs: 60_000 };

test("what is asked for at once goes out in one batch, and each item gets its own answer", async () => {
  const calls = new CoalescedCalls(async (items: readonly number[]) => items.map((item) => item * 10), patient);

  expect(await Promise.all([calls.ask(1), calls.ask(2), calls.ask(3)])).toEqual([10, 20, 30]);
});

test("what comes while a batch is under way waits for it and goes out together", async () => {
  const { batches, carryOut } = heldBatches();
  const calls = new CoalescedCalls(carryOut, patient);
  const first = calls.ask(1);
  await vi.waitFor(() => expect(batches).toHaveLength(1));

  const others = [calls.ask(2), calls.ask(3)];
  await Promise.resolve();
  expect(batches).toHaveLength(1);
  batches[0]?.end();
  await first;
  await vi.waitFor(() => expect(batches).toHaveLength(2));
  batches[1]?.end();

  expect(batches[1]?.items).toEqual([2, 3]);
  expect(await Promise.all(others)).toEqual([20, 30]);
});

test("what has waited long enough goes out beside a batch that hangs", async () => {
  const { batches, carryOut } = heldBatches();
  const calls = new CoalescedCalls(carryOut, { largest: 100, longestWaitMs: 1 });
  void calls.ask(1);
  await vi.waitFor(() => expect(batches).toHaveLength(1));

  const second = calls.ask(2);
  await vi.waitFor(() => expect(batches).toHaveLength(2));
  batches[1]?.end();

  expect(await second).toBe(20);
});

test("more than the largest batch goes out in several", async () => {
  const sizes: number[] = [];
  const calls = new CoalescedCalls(
    async (items: readonly number[]) => {
      sizes.push(items.length);
      return items;
    },
    { largest: 2, longestWaitMs: 60_000 },
  );

  await Promise.all([1, 2, 3, 4, 5].map((item) => calls.ask(item)));

  expect(sizes).toEqual([2, 2, 1]);
});

test("an item may fail alone, and a batch that fails fails for all of its items", async () => {
  const calls = new CoalescedCalls(async (items: readonly number[]) => {
    if (items.includes(0)) throw new Error("all");
    return items.map((item) => (item < 0 ? new Error("this one") : item));
  }, patient);

  const mixed = await Promise.allSettled([calls.ask(1), calls.ask(-1)]);
  expect(mixed.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  await expect(Promise.all([calls.ask(0), calls.ask(1)])).rejects.toThrow("all");
  expect(await calls.ask(2)).toBe(2);
});
