import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { SharedRun } from "./shared-run.ts";

/** A task whose runs end when the test says so. */
function handDriven() {
  const ends: (() => void)[] = [];
  const shared = new SharedRun(() => new Promise<void>((resolve) => ends.push(resolve)));
  return { shared, ends };
}

const loopTurn = () => new Promise((resolve) => setImmediate(resolve));

async function hasEnded(promise: Promise<void>): Promise<boolean> {
  await loopTurn();
  return Promise.race([promise.then(() => true), Promise.resolve(false)]);
}

test("whoever asks together shares one run", async () => {
  const { shared, ends } = handDriven();
  const asked = [shared.run(), shared.run()];
  await loopTurn();
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await Promise.all(asked);
});

test("whoever asks during a run waits for one that began afterwards, and they all share it", async () => {
  const { shared, ends } = handDriven();
  const first = shared.run();
  await loopTurn();
  const [second, third] = [shared.run(), shared.run()];
  ends[0]?.();
  await first;
  expect(await hasEnded(second)).toBe(false);
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await Promise.all([second, third]);
  expect(ends).toHaveLength(2);
});

test("it is idle when nothing runs or waits to", async () => {
  const { shared, ends } = handDriven();
  await shared.idle();
  void shared.run();
  await loopTurn();
  void shared.run();
  const idle = shared.idle();
  ends[0]?.();
  expect(await hasEnded(idle)).toBe(false);
  ends[1]?.();
  await idle;
});

test("a run that fails rejects for those who asked for it, and the next one goes on", async () => {
  let runs = 0;
  const shared = new SharedRun(async () => {
    runs += 1;
    if (runs === 1) throw new Error("away");
    return runs;
  });
  await expect(shared.run()).rejects.toThrow("away");
  expect(await shared.run()).toBe(2);
});

test("what a run resolved to is kept by nobody but those who asked", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  const made: WeakRef<object>[] = [];
  const shared = new SharedRun(async () => {
    const users = { many: true };
    made.push(new WeakRef(users));
    return users;
  });
  const once = async () => void (await shared.run());
  await Promise.all([once(), once()]);
  await vi.waitFor(() => {
    collectGarbage();
    expect(made.map((users) => users.deref() === undefined)).toEqual([true]);
  });
  await shared.idle();
});
