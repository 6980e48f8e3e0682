import { noHints } from "@veil/events/testing";
import { type Fleet, KNOWN_TO_ALL_MS, placesOf } from "@veil/nodes";
import { InMemoryFleet, someInbound, someNode } from "@veil/nodes/testing";
import type { Redis } from "@veil/redis";
import { beforeEach, describe, expect, it } from "vitest";
import { fleetChanger } from "./fleet-changes.ts";
import { filledIn, JoiningNodes, untilKnownToAll } from "./joining-nodes.ts";

const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

let store: InMemoryFleet;
let fleet: Fleet;
let said: string[];
/** The marks of the processes that nodes lead to. */
let marks: Record<string, string>;
let isAway: boolean;
let joining: JoiningNodes;

beforeEach(() => {
  fleet = { revision: 1, nodes: [someNode("a"), { ...someNode("b"), state: "joining" }], hosts: [] };
  store = new InMemoryFleet(fleet);
  [said, marks, isAway] = [[], { a: "1", b: "2" }, false];
  const say = (level: string) => (_: object, text?: string) => void said.push(`${level}: ${text}`);
  joining = new JoiningNodes({
    store,
    change: (decide) => (isAway ? Promise.reject(new Error("away")) : fleetChanger(store, noHints)(decide)),
    redis: { publish: async () => 0 } as unknown as Redis,
    prefix: "test",
    clock: { now: () => NOW },
    log: { info: say("info"), warn: say("warn"), error: say("error") } as never,
    fleet: () => fleet,
    connected: () =>
      Object.keys(marks).map((name) => ({
        name,
        readProcessMark: async () => marks[name] ?? null,
        plantProcessMark: async () => "planted" as const,
      })),
    newMark: () => "new",
    inFile: { empty: async () => true },
  });
});

const stateOfB = async () => (await store.read())?.nodes.find(({ name }) => name === "b")?.state;

describe("a node that joins", () => {
  it("is active once a pass has left nobody out, which is said once of those before", async () => {
    joining.unfilled("b");
    joining.unfilled("b");
    expect(said).toEqual(["warn: a node can't become active yet"]);
    await joining.filled("b", NOW);
    expect([await stateOfB(), said.at(-1)]).toEqual(["active", "info: the node is active"]);
  });

  it("leaves nothing behind when it is no more: one of its name is news again", () => {
    joining.unfilled("b");
    joining.left("b");
    joining.unfilled("b");
    expect(said).toHaveLength(2);
  });

  it("is not active while it leads to another one's process, which is said once", async () => {
    marks = { a: "1", b: "1" };
    await joining.filled("b", NOW);
    await joining.filled("b", NOW);
    expect([await stateOfB(), said]).toEqual([
      "joining",
      ["error: two nodes lead to the same Xray process; take one of them out"],
    ]);
    marks = { a: "1", b: "2" };
    await joining.filled("b", NOW);
    expect(await stateOfB()).toBe("active");
  });

  it("names each node whose process it leads to once, also where two take turns", async () => {
    for (let looks = 0; looks < 6; looks += 1) {
      marks = looks % 2 === 0 ? { a: "1", b: "1", c: "3" } : { a: "2", b: "1", c: "1" };
      await joining.filled("b", NOW);
    }
    expect(said).toHaveLength(2);
  });

  it("is tried again with the next pass while the store is away, which is said once", async () => {
    isAway = true;
    await joining.filled("b", NOW);
    await joining.filled("b", NOW);
    expect(said).toEqual(["warn: a node can't become active yet"]);
    isAway = false;
    await joining.filled("b", NOW);
    expect(await stateOfB()).toBe("active");
  });

  it("is nothing that passes over others are about", async () => {
    joining.unfilled("a");
    await joining.filled("a", NOW);
    expect([await stateOfB(), said]).toEqual(["joining", []]);
  });
});

describe("the wait until every worker knows of a place", () => {
  it.each([
    ["was just entered", NOW, KNOWN_TO_ALL_MS],
    ["was entered a second ago", NOW - 1_000, KNOWN_TO_ALL_MS - 1_000],
    ["was entered long ago", NOW - HOUR_MS, 0],
    ["was entered by a clock that was set back since", NOW + HOUR_MS, KNOWN_TO_ALL_MS],
  ])("is three seconds at most: it %s", (_, at, expected) => {
    expect(untilKnownToAll(at, NOW)).toBe(expected);
    const [ofNode] = placesOf({ ...someNode("b"), state: "joining", since: at });
    expect(filledIn(ofNode, NOW)).toBe(expected);
    const inbound = { ...someInbound("b"), regroupedAt: at, formerGroups: [] };
    const [, further] = placesOf({ ...someNode("b"), since: 0, inbounds: [someInbound("a"), inbound] });
    expect(further && filledIn(further, NOW)).toBe(expected);
  });
});
