import { describe, expect, it } from "vitest";
import { addMark, epochOf, type NodeLives } from "./node-lives.ts";

const NOW = 1_700_000_000_000;

function seenAt(lives: NodeLives, seen_at: number): NodeLives {
  return { ...lives, seen_at, seen_epoch: 1_700_000_000 };
}

const first = addMark(null, "main", "a", NOW - 60_000, NOW);

describe("a mark that was not seen before", () => {
  it("is the first epoch, numbered by the second in which it was seen", () => {
    expect(first.marks).toEqual([{ mark: "a", epoch: 1_700_000_000 }]);
    expect(first.restarts).toBe(0);
    expect(epochOf(first, "a")).toBe(1_700_000_000);
    expect(epochOf(first, "b")).toBeUndefined();
    expect(epochOf(null, "a")).toBeUndefined();
  });

  it("is a new epoch when the process began after the last reading", () => {
    const lives = addMark(seenAt(first, NOW + 10_000), "main", "b", NOW + 14_000, NOW + 15_000);
    expect(epochOf(lives, "b")).toBe(1_700_000_015);
    expect(lives.restarts).toBe(1);
  });

  it("goes on with the epoch when the process has run since before the last reading: somebody removed the mark", () => {
    const lives = addMark(seenAt(first, NOW + 10_000), "main", "b", NOW - 60_000, NOW + 15_000);
    expect(epochOf(lives, "b")).toBe(1_700_000_000);
    expect(lives.restarts).toBe(0);
  });

  it("goes on with the epoch that was read last, not with a mark that was added late and never dated anything", () => {
    const late = addMark(seenAt(first, NOW + 10_000), "main", "late", NOW + 9_000, NOW + 12_000);
    const lives = addMark(late, "main", "b", NOW - 60_000, NOW + 15_000);
    expect(epochOf(lives, "b")).toBe(1_700_000_000);
  });

  it("is a new epoch when it is not certain: a restart within the clocks' tolerance of the last reading", () => {
    const lives = addMark(seenAt(first, NOW + 10_000), "main", "b", NOW + 9_000, NOW + 15_000);
    expect(lives.restarts).toBe(1);
  });

  it("has a higher number than all before, also when the clock stands still or goes back", () => {
    const second = addMark(first, "main", "b", NOW, NOW);
    const third = addMark(second, "main", "c", NOW - 5_000, NOW - 5_000);
    expect(third.marks.map(({ epoch }) => epoch)).toEqual([1_700_000_000, 1_700_000_001, 1_700_000_002]);
  });
});

it("remembers the last 32 marks", () => {
  let lives = first;
  for (let life = 1; life <= 40; life += 1) {
    lives = addMark(lives, "main", `mark-${life}`, NOW + life * 10_000, NOW + life * 10_000);
  }
  expect(lives.marks).toHaveLength(32);
  expect(epochOf(lives, "mark-40")).toBe(1_700_000_400);
  expect(lives.restarts).toBe(40);
});
