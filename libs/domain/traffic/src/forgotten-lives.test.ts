import { expect, test } from "vitest";
import { forgottenLives, knownSeries, LIVES_KEPT_MS, marksOfNone } from "./forgotten-lives.ts";
import { addMark, adoptLife, leaveSeries, type Life, type NodeLives, seenMark } from "./node-lives.ts";

const NOW = 1_800_000_000_000;
const LONG_AGO = NOW - LIVES_KEPT_MS - 1;

function begun(node: string, mark: string, at: number): NodeLives {
  return addMark(null, { node, mark, startedBefore: at }, at);
}

function adopted(node: string, mark: string, life: Life, at: number): NodeLives {
  return adoptLife(null, { node, mark }, life, at);
}

const forgotten = (all: readonly NodeLives[], known: readonly string[] = []) =>
  forgottenLives(all, new Set(known), NOW - LIVES_KEPT_MS).map(({ node }) => node);

test("lives of a node that is gone are forgotten a year after it was last read, however it was named", () => {
  const [old, young, read] = [begun("old", "a", LONG_AGO), begun("young", "b", NOW), begun("read", "c", LONG_AGO)];
  const all = [old, young, { ...read, seenAt: NOW - LIVES_KEPT_MS }];
  expect(forgotten(all)).toEqual(["old"]);
  expect(forgotten(all, ["old"])).toEqual([]);
});

test("a life that runs on under another name keeps the node on which it began, in which another one would end it", () => {
  const first = begun("first", "a", LONG_AGO);
  const epoch = seenMark(first, "a")?.epoch ?? 0;
  const left = leaveSeries(first, LONG_AGO);
  const second = adopted("second", "a", { node: "first", epoch }, NOW);
  expect(forgotten([left, second])).toEqual([]);
  const third = adopted("third", "a", { node: `first@${epoch}`, epoch }, NOW);
  expect(forgotten([left, third])).toEqual([]);
});

test("nodes that changed names and are all gone are forgotten together", () => {
  const [one, two] = [
    adopted("one", "a", { node: "two", epoch: 1 }, LONG_AGO),
    adopted("two", "b", { node: "one", epoch: 1 }, LONG_AGO),
  ];
  expect(forgotten([one, two])).toEqual(["one", "two"]);
  expect(forgotten([one, { ...two, seenAt: NOW }])).toEqual([]);
});

test("a mark that a node shows which stays keeps its claim", () => {
  const [gone, stays] = [adopted("gone", "a", { node: "stays", epoch: 1 }, LONG_AGO), begun("stays", "a", NOW)];
  const both = addMark(gone, { node: "gone", mark: "b", startedBefore: LONG_AGO }, LONG_AGO);
  expect(marksOfNone([both], [both, stays])).toEqual(["b"]);
});

test("the series of all lives are known, under whichever names they run", () => {
  const all = [leaveSeries(begun("one", "a", NOW), NOW), adopted("two", "b", { node: "three", epoch: 1 }, NOW)];
  expect(knownSeries(all)).toEqual(new Set([`one@${NOW / 1_000 + 1}`, "one", "two", "three"]));
});
