import { expect, it } from "vitest";
import { someNode } from "../test/index.ts";
import { isSameAddress } from "./fleet.ts";
import { hasRoomFor, MOST_NODES } from "./fleet-limits.ts";

const MIB = 1_024 * 1_024;

it("counts bytes as JSON has them, to the last one", () => {
  const [a, b] = [someNode("a"), someNode("b")];
  const bytesOf = (note: string) => Buffer.byteLength(JSON.stringify([[a, { ...b, note }], []]));
  const left = 5 * MIB - bytesOf("");
  const fleet = { revision: 1, nodes: [a, b], hosts: [] };
  const withNote = (note: string) => ({ nodes: [a, { ...b, note }] });
  expect(hasRoomFor(fleet, withNote("n".repeat(left)))).toBe(true);
  expect(hasRoomFor(fleet, withNote("n".repeat(left + 1)))).toBe(false);
  expect(hasRoomFor(fleet, withNote("ж".repeat(Math.floor(left / 2) + 1)))).toBe(false);
});

it("looks at no node again that a change leaves as it is", () => {
  let looks = 0;
  const nodes = Array.from({ length: MOST_NODES }, (_, index) =>
    Object.defineProperty(someNode(`n-${index}`), "note", { enumerable: true, get: () => (looks += 1).toString() }),
  );
  const fleet = { revision: 1, nodes, hosts: [] };
  for (let change = 0; change < 10; change += 1) hasRoomFor(fleet, { nodes: [...nodes.slice(1), someNode("new")] });
  expect(looks).toBeLessThanOrEqual(MOST_NODES);
});

it("knows two spellings of an address for one, also those that it has met before", () => {
  for (let round = 0; round < 2; round += 1) {
    expect(isSameAddress("A.example.com.:1", "a.example.com:01")).toBe(true);
    expect(isSameAddress("[0:0::1]:1", "[::1]:1")).toBe(true);
    expect(isSameAddress("[::2]:1", "[::1]:1")).toBe(false);
  }
});
