import type { ProcessExit } from "@veil/engines";
import { ManualClock } from "@veil/runtime";
import { beforeEach, expect, test } from "vitest";
import { type Child, supervise, type Supervision } from "./supervise.ts";

/** A process that ends on command. */
class FakeChild implements Child {
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  end: (exit: ProcessExit) => void = () => {};

  constructor(pid: number) {
    this.pid = pid;
    this.exited = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  stop(): Promise<ProcessExit> {
    this.end({ code: 0, signal: null });
    return this.exited;
  }
}

const killed: ProcessExit = { code: null, signal: "SIGKILL" };

let children: FakeChild[];
let lines: string[];
let failNextStarts: number;
let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
  children = [];
  lines = [];
  failNextStarts = 0;
});

const superviseFake = (options: Partial<Pick<Supervision<Child>, "onStarted" | "isFinal">> = {}) =>
  supervise({
    name: "redis",
    start: async () => {
      if (failNextStarts-- > 0) throw new Error("port taken");
      const child = new FakeChild(100 + children.length);
      children.push(child);
      return child;
    },
    onStarted: async () => {},
    report: (line) => lines.push(line),
    clock,
    ...options,
  });

test("a child that ends is started again, with a line that says so", async () => {
  const pids: number[] = [];
  const supervised = await superviseFake({ onStarted: async ({ pid }) => void pids.push(pid) });
  children[0]?.end(killed);
  await clock.advance(200);
  expect(pids).toEqual([100, 101]);
  expect(lines).toEqual(["redis was ended by SIGKILL. Starting it again in 0.2 s.", "redis runs again (process 101)."]);
  await supervised.stop(1_000);
});

test("a child that keeps ending is tried ever more seldom, until it has lived a while", async () => {
  const supervised = await superviseFake();
  for (const pause of [200, 400, 800]) {
    children.at(-1)?.end(killed);
    await clock.advance(pause - 1);
    const before = children.length;
    await clock.advance(1);
    expect(children).toHaveLength(before + 1);
  }
  await clock.advance(20_001);
  children.at(-1)?.end(killed);
  await clock.advance(200);
  expect(children).toHaveLength(5);
  await supervised.stop(1_000);
});

test("a restart that fails is tried again", async () => {
  const supervised = await superviseFake();
  failNextStarts = 2;
  children[0]?.end(killed);
  await clock.advance(200 + 400 + 800);
  expect(children).toHaveLength(2);
  expect(lines[1]).toBe("redis did not come up: port taken. Starting it again in 0.4 s.");
  await supervised.stop(1_000);
});

test("a first start that fails is the caller's to handle", async () => {
  failNextStarts = 1;
  await expect(superviseFake()).rejects.toThrow("port taken");
});

test("after stop nothing is started again, also not out of a pause", async () => {
  const supervised = await superviseFake();
  children[0]?.end(killed);
  await clock.advance(100);
  await supervised.stop(1_000);
  await clock.advance(60_000);
  expect(children).toHaveLength(1);
});

test("a child whose end is final is not started again", async () => {
  const supervised = await superviseFake({ isFinal: ({ code }) => code === 78 });
  children[0]?.end({ code: 78, signal: null });
  await clock.advance(60_000);
  expect(children).toHaveLength(1);
  expect(lines).toEqual(["redis ended with exit code 78. It is not started again."]);
  await supervised.stop(1_000);
});
