import { expect, it } from "vitest";
import { someNode } from "../test/index.ts";
import { firstLinked, linkedPlaces } from "./linked-nodes.ts";

const nodes = [
  someNode("joining", { state: "joining", host: "j" }),
  someNode("draining", { state: "draining", host: "d" }),
  someNode("a", { host: "A.example.com" }),
  someNode("b", { host: "b.example.com" }),
  someNode("a2", { host: "a.example.com" }),
];
const down =
  (...names: string[]) =>
  (node: string) =>
    names.includes(node);

it("leads to the first active node that is up, and those at the same place", () => {
  expect(firstLinked(nodes, down())).toEqual(["a", "a2"]);
  expect(firstLinked(nodes, down("a"))).toEqual(["a", "a2"]);
  expect(firstLinked(nodes, down("a", "a2"))).toEqual(["b"]);
});

it("leads to the first active one when none is up, and to none when none is active", () => {
  expect(firstLinked(nodes, () => true)).toEqual(["a", "a2"]);
  expect(firstLinked(nodes.slice(0, 2), down())).toEqual([]);
});

it("leaves out a node that has no place, and puts places that are down last", () => {
  const places = linkedPlaces(nodes, ({ name, host }) => (name === "b" ? null : host), down("a"));
  expect(places.map((place) => place.map(({ name }) => name))).toEqual([["a2"], ["a"]]);
});
