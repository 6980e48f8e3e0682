import { describe, expect, it } from "vitest";
import { addMark, adoptLife, leaveSeries, lifeOf, type NodeLives, seenMark, seriesOf } from "./node-lives.ts";

const NOW = 1_700_000_000_000;

function seenAt(lives: NodeLives, at: number): NodeLives {
  return { ...lives, seenAt: at, seenEpoch: 1_700_000_000 };
}

/** As by readings that marks of several epochs dated. */
function seenIn(lives: NodeLives, seen: Readonly<Record<string, number>>): NodeLives {
  return {
    ...lives,
    seen,
    seenAt: Math.max(...Object.values(seen)),
    seenEpoch: Math.max(...Object.keys(seen).map(Number)),
  };
}

function add(lives: NodeLives | null, mark: string, startedBefore: number, now: number, address = "here:1"): NodeLives {
  return addMark(lives, { node: "main", mark, startedBefore, address }, now);
}

function epochOf(lives: NodeLives, mark: string): number | undefined {
  return seenMark(lives, mark)?.epoch;
}

const first = add(null, "a", NOW - 60_000, NOW);

describe("a mark that was not seen before", () => {
  it("is the first epoch, numbered by the second in which it was seen", () => {
    expect(first.marks).toEqual([{ mark: "a", epoch: 1_700_000_000, address: "here:1" }]);
    expect(first.restarts).toBe(0);
    expect(epochOf(first, "a")).toBe(1_700_000_000);
    expect(epochOf(first, "b")).toBeUndefined();
    expect(seenMark(null, "a")).toBeUndefined();
  });

  it("is a new epoch when the process began after the last reading", () => {
    const lives = add(seenAt(first, NOW + 10_000), "b", NOW + 14_000, NOW + 15_000);
    expect(epochOf(lives, "b")).toBe(1_700_000_015);
    expect(lives.restarts).toBe(1);
  });

  it("goes on with the epoch when the process has run since before the last reading: somebody removed the mark", () => {
    const lives = add(seenAt(first, NOW + 10_000), "b", NOW - 60_000, NOW + 15_000);
    expect(epochOf(lives, "b")).toBe(1_700_000_000);
    expect(lives.restarts).toBe(0);
  });

  it("goes on with the epoch that was read last, not with a mark that was added late and never dated anything", () => {
    const late = add(seenAt(first, NOW + 10_000), "late", NOW + 9_000, NOW + 12_000);
    const lives = add(late, "b", NOW - 60_000, NOW + 15_000);
    expect(epochOf(lives, "b")).toBe(1_700_000_000);
  });

  it("is a new epoch when it is not certain: a restart within the clocks' tolerance of the last reading", () => {
    const lives = add(seenAt(first, NOW + 10_000), "b", NOW + 9_000, NOW + 15_000);
    expect(lives.restarts).toBe(1);
  });

  it("is a new epoch when the last reading seems to lie ahead: the clock that dated it was wrong", () => {
    const lives = add(seenAt(first, NOW + 86_400_000), "b", NOW + 14_000, NOW + 15_000);
    expect(epochOf(lives, "b")).toBe(1_700_000_015);
    expect(lives.restarts).toBe(1);
  });

  it("has a higher number than all before, also when the clock stands still or goes back", () => {
    const second = add(first, "b", NOW, NOW);
    const third = add(second, "c", NOW - 5_000, NOW - 5_000);
    expect(third.marks.map(({ epoch }) => epoch)).toEqual([1_700_000_000, 1_700_000_001, 1_700_000_002]);
  });
});

it("remembers the last 32 marks", () => {
  let lives = first;
  for (let life = 1; life <= 40; life += 1) {
    lives = add(lives, `mark-${life}`, NOW + life * 10_000, NOW + life * 10_000);
  }
  expect(lives.marks).toHaveLength(32);
  expect(epochOf(lives, "mark-40")).toBe(1_700_000_400);
  expect(lives.restarts).toBe(40);
});

describe("a life of another name", () => {
  const life = { node: "old", epoch: 5 };
  const shown = { node: "main", mark: "b", address: "here:1" };

  it("keeps its name on the node that shows it, which counts it as a life of its own", () => {
    const lives = adoptLife(null, shown, life, NOW);
    expect(lives).toMatchObject({ revision: 1, restarts: 0, marks: [{ mark: "b", epoch: 1_700_000_000, life }] });
    expect(seriesOf(lives)).toBe("main");
  });

  it("makes later lives begin in a series of their own, as the one from before may run on elsewhere", () => {
    const adopted = adoptLife(first, shown, life, NOW + 5_000);
    expect(adopted.marks.at(-1)).toEqual({ mark: "b", epoch: 1_700_000_005, life, address: "here:1" });
    const lives = add(adopted, "c", NOW + 60_000, NOW + 60_000);
    const seen = seenMark(lives, "c");
    expect(seen && lifeOf(lives, seen)).toEqual({ node: "main@1700000005", epoch: 1_700_000_060 });
  });

  it("takes the place of a claim that came second", () => {
    const lives = adoptLife(first, { ...shown, mark: "a" }, life, NOW);
    expect(lives.marks).toEqual([{ mark: "a", epoch: 1_700_000_000, life, address: "here:1" }]);
    expect(lives.revision).toBe(2);
  });

  it("goes on under its name when somebody removed its mark", () => {
    const adopted = { ...adoptLife(null, shown, life, NOW), seenAt: NOW + 30_000, seenEpoch: 1_700_000_000 };
    const lives = add(adopted, "c", NOW - 60_000, NOW + 40_000);
    expect(lives.marks.at(-1)).toEqual({ mark: "c", epoch: 1_700_000_000, life, address: "here:1" });
  });
});

it("begins a series of its own at a new address, however long that process has been running", () => {
  const lives = add(seenAt(first, NOW + 10_000), "b", NOW - 60_000, NOW + 15_000, "there:1");
  expect(lives.marks.at(-1)?.life).toEqual({ node: "main@1700000015", epoch: 1_700_000_015 });
  expect(add(lives, "c", NOW + 60_000, NOW + 60_000, "there:1").marks.at(-1)?.life?.node).toBe("main@1700000015");
});

describe("a name that collectors of older and newer settings use for two processes", () => {
  const both = add(seenIn(first, { 1_700_000_000: NOW + 10_000 }), "b", NOW + 14_000, NOW + 15_000, "there:1");

  it("begins a life after a restart of one, however late the other one was read", () => {
    const lives = add(seenIn(both, { 1_700_000_000: NOW + 60_000 }), "c", NOW + 30_000, NOW + 61_000, "there:1");
    expect(lives.marks.at(-1)?.life).toEqual({ node: "main@1700000015", epoch: 1_700_000_061 });
  });

  it("also when both have been read", () => {
    const read = seenIn(both, { 1_700_000_000: NOW + 60_000, 1_700_000_015: NOW + 20_000 });
    const lives = add(read, "c", NOW + 30_000, NOW + 61_000, "there:1");
    expect(lives.marks.at(-1)?.epoch).toBe(1_700_000_061);
  });

  it("goes on with the life of the one whose mark somebody removed", () => {
    const read = seenIn(both, { 1_700_000_000: NOW + 60_000, 1_700_000_015: NOW + 20_000 });
    const lives = add(read, "c", NOW - 60_000, NOW + 61_000);
    expect(lives.marks.at(-1)).toEqual({ mark: "c", epoch: 1_700_000_000, address: "here:1" });
    expect(lives.restarts).toBe(1);
  });
});

it("leaves its series to who goes on in it", () => {
  expect(seriesOf(first)).toBe("main");
  expect(seriesOf(leaveSeries(first, NOW + 7_000))).toBe("main@1700000007");
});
