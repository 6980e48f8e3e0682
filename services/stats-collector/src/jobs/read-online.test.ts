import type { Viewer } from "@veil/keys";
import { ManualClock } from "@veil/runtime";
import { XrayRejectedError, XrayUnreachableError } from "@veil/xray-grpc";
import { describe, expect, it } from "vitest";
import { countOnline, type OnlineNode, readOnline } from "./read-online.ts";

const NOW = 1_700_000_000_000;
const DEADLINE = NOW + 350;
const ASKED = { owner: null, deadline: DEADLINE };
const log = { debug: () => undefined };

interface Lists {
  /** By key; a key with counters and no list shows that the policy asks for none. */
  readonly lists?: Readonly<Record<number, readonly string[]>>;
  readonly counted?: readonly number[];
}

function node(name: string, { lists = {}, counted = [] }: Lists = {}): OnlineNode {
  const idOf = (text: string) => Number(/(\d+)@veil/.exec(text)?.[1]);
  return {
    name,
    onlineAddresses: async (email) => {
      const list = lists[idOf(email)];
      return list === undefined ? null : [...list];
    },
    onlineUsers: async () => [
      "somebody@else",
      ...Object.entries(lists)
        .filter(([, { length }]) => length > 0)
        .map(([keyId]) => `${keyId}@veil`),
    ],
    readCounter: async (counter) => (counted.includes(idOf(counter)) ? 7 : null),
  };
}

const failing = (name: string, error: Error): OnlineNode => ({
  name,
  onlineAddresses: () => Promise.reject(error),
  onlineUsers: () => Promise.reject(error),
  readCounter: () => Promise.reject(error),
});
const hanging = (name: string): OnlineNode => {
  const never = () => new Promise<never>(() => undefined);
  return { name, onlineAddresses: never, onlineUsers: never, readCounter: never };
};
const away = [
  failing("away", new XrayUnreachableError("away", "onlineUsers", "no-connection", "refused")),
  failing("old", new XrayRejectedError("old", "onlineUsers", 12, "unknown method")),
  hanging("hung"),
];

const options = (nodes: readonly OnlineNode[], counted: readonly string[] = []) => {
  const records = { countedSince: async () => [...counted] };
  const keys = {
    among: async (keyIds: readonly number[], { owner }: Viewer) =>
      new Set(keyIds.filter((keyId) => owner === null || keyId === 2)),
  };
  return { nodes: () => nodes, records, keys, clock: new ManualClock(NOW), log };
};

describe("from where a key is connected", () => {
  it("tells a node that sees nobody from one that does not look", async () => {
    const nodes = [
      node("sees", { lists: { 1: ["203.0.113.7"] }, counted: [1] }),
      node("saw", { lists: { 1: [] }, counted: [1] }),
      node("never-saw", { lists: { 2: ["203.0.113.9"] } }),
      node("does-not-look", { counted: [1] }),
    ];
    expect((await readOnline(1, DEADLINE, options(nodes))).nodes).toEqual([
      { name: "sees", state: "read", addresses: ["203.0.113.7"] },
      { name: "saw", state: "read", addresses: [] },
      { name: "never-saw", state: "read", addresses: [] },
      { name: "does-not-look", state: "uncounted" },
    ]);
  });

  it("waits for no node longer than the caller does", async () => {
    const { nodes } = await readOnline(
      1,
      DEADLINE,
      options([...away, node("main", { lists: { 1: ["203.0.113.7"] } })]),
    );
    expect(nodes.map(({ state }) => state)).toEqual(["unreachable", "unsupported", "unreachable", "read"]);
  });
});

describe("how many keys are connected", () => {
  it("counts each once, wherever it is seen, and those that moved of late", async () => {
    const nodes = [
      node("one", { lists: { 1: ["203.0.113.7"], 2: ["203.0.113.8"] } }),
      node("two", { lists: { 2: ["203.0.113.8"], 3: [] } }),
      ...away,
    ];
    expect(await countOnline(ASKED, options(nodes, ["2", "7"]))).toEqual({
      outcome: "counted",
      online: 3,
      nodes: [
        { name: "one", state: "read", online: 2 },
        { name: "two", state: "read", online: 1 },
        { name: "away", state: "unreachable" },
        { name: "old", state: "unsupported" },
        { name: "hung", state: "unreachable" },
      ],
    });
  });

  it("counts of a caller with an owner that one's keys alone", async () => {
    const nodes = [
      node("one", { lists: { 1: ["203.0.113.7"], 2: ["203.0.113.8"] } }),
      node("two", { lists: { 3: ["203.0.113.9"] } }),
    ];
    expect(await countOnline({ ...ASKED, owner: "shop" }, options(nodes, ["7"]))).toEqual({
      outcome: "counted",
      online: 1,
      nodes: [
        { name: "one", state: "read", online: 1 },
        { name: "two", state: "read", online: 0 },
      ],
    });
  });

  it("tells a node that sees nobody from one that does not look, as soon as something moves", async () => {
    const nodes = [node("sees", { lists: { 1: [] }, counted: [1] }), node("does-not-look", { counted: [1] })];
    const states = async (counted: readonly string[]) =>
      (await countOnline(ASKED, options(nodes, counted))).nodes.map(({ state }) => state);
    expect([await states([]), await states(["1"])]).toEqual([
      ["read", "read"],
      ["read", "uncounted"],
    ]);
  });
});
