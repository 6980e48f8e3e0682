import { noHints } from "@veil/events/testing";
import type { DiscoveryRules, FleetNode, FoundEndpoint } from "@veil/nodes";
import { InMemoryFleet, someNode } from "@veil/nodes/testing";
import type { Redis } from "@veil/redis";
import { beforeEach, expect, it, vi } from "vitest";
import { fleetChanger } from "../nodes/fleet-changes.ts";
import { Discovery, type DiscoveryPorts } from "./discovery.ts";

const link = { host: null, port: null, publicKey: null, shortId: null, sni: null };
const rules: DiscoveryRules = {
  service: "veil/xray-nodes",
  template: {
    ...link,
    tls: null,
    groups: ["default"],
    multiplier: 1,
    note: null,
    inboundTag: "vless-in",
    inbounds: [],
  },
  hostPattern: null,
  drainAfterMs: 1_000,
  deleteAfterMs: 10_000,
};
const on = (machine: string, more: Partial<FoundEndpoint> = {}): FoundEndpoint => ({
  ...{ machine, address: `${machine}:1`, isReady: true, hostname: null, pod: `xray-${machine}` },
  ...more,
});

let now: number;
/** How far the shared clock is ahead of the machine's. */
let aheadMs: number;
let store: InMemoryFleet;
let said: string[];
let ports: DiscoveryPorts;
let discovery: Discovery;
beforeEach(() => {
  [now, aheadMs] = [1_800_000_000_000, 0];
  store = new InMemoryFleet({ revision: 1, nodes: [someNode("main")], hosts: [] });
  said = [];
  const note = (fields: unknown, message = "") => void said.push(`${message} ${JSON.stringify(fields)}`);
  const clock = {
    now: () => now + aheadMs,
    earliest: () => now,
    latest: () => now + aheadMs,
    monotonic: () => now,
    sleep: async (ms: number) => void (now += ms),
  };
  ports = {
    ...{ store, prefix: "test", clock, change: fleetChanger(store, noHints) },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody listens
    redis: {} as Redis,
    log: { info: note, warn: note, error: note },
    certificates: { fault: () => null },
    processAt: async () => null,
    inboundFault: async () => null,
    leftBehind: async () => 0,
    leave: () => ({ answers: async () => false, isInFile: false, places: [], close: () => undefined }),
    readLast: async () => true,
  };
  discovery = new Discovery(ports);
});

const look = (...endpoints: FoundEndpoint[]) => discovery.look(endpoints, rules);
const nodes = async (): Promise<readonly FleetNode[]> => (await store.read())?.nodes ?? [];
const states = async () => Object.fromEntries((await nodes()).map(({ name, state }) => [name, state]));

it("enters what is found, drains what is away, and takes out what is gone", async () => {
  await look(on("a"), on("b"), on("c"), on("d", { isReady: false }));
  expect(await states()).toEqual({ main: "active", a: "joining", b: "joining", c: "joining" });
  await look(on("a", { isReady: false }), on("b"), on("c"));
  now += 1_000;
  await look(on("a", { isReady: false }), on("b"), on("c"));
  expect(await states()).toMatchObject({ a: "draining", b: "joining" });
  await look(on("b"), on("c"));
  now += 10_000;
  await look(on("b"), on("c"));
  expect(Object.keys(await states())).toEqual(["main", "b", "c"]);
  expect(said.filter((line) => line.startsWith("a node that is gone"))).toEqual([]);
});

it("drains and takes out nothing by a shared clock that has jumped ahead", async () => {
  await look(on("a"), on("b"));
  await look(on("b"));
  aheadMs = 3_600_000;
  await look(on("b"));
  expect(await states()).toEqual({ main: "active", a: "joining", b: "joining" });
});

it("follows a node to another address, and shows it in the same look", async () => {
  await look(on("a"), on("b"));
  await look(on("b"));
  now += 1_000;
  await look(on("b"));
  expect(await states()).toMatchObject({ a: "draining" });
  await look(on("a", { address: "z:1" }), on("b"));
  expect((await nodes()).find(({ name }) => name === "a")).toMatchObject({ address: "z:1", state: "joining" });
});

it("enters a new machine at the address of one that is gone, once that one's node has been taken out", async () => {
  await look(on("a"), on("b"), on("c"));
  ports = { ...ports, processAt: async ({ address }) => (address === "a:1" && "a" in (await states()) ? "a" : null) };
  discovery = new Discovery(ports);
  const found = [on("b"), on("c"), on("new", { address: "a:1" })];
  await look(...found);
  expect(await states()).toEqual({ main: "active", a: "joining", b: "joining", c: "joining" });
  now += 1_000;
  await look(...found);
  await look(...found);
  expect(await states()).toEqual({ main: "active", b: "joining", c: "joining", new: "joining" });
});

it("has nodes change places whose pods have each other's addresses, and asks nobody", async () => {
  await look(on("a"), on("b"));
  ports = { ...ports, processAt: async () => "b", leftBehind: async () => 7 };
  discovery = new Discovery(ports);
  await look(on("a", { address: "b:1" }), on("b", { address: "a:1" }));
  expect((await nodes()).map(({ name, address }) => [name, address])).toContainEqual(["a", "b:1"]);
  expect((await nodes()).map(({ name, address }) => [name, address])).toContainEqual(["b", "a:1"]);
  expect(said.filter((line) => line.startsWith("a node can't be"))).toEqual([]);
});

it("leaves a node where its users would stay behind, and says so once", async () => {
  await look(on("a"), on("b"));
  ports = { ...ports, leftBehind: async () => 7 };
  discovery = new Discovery(ports);
  for (let looks = 0; looks < 3; looks += 1) await look(on("a", { address: "z:1" }), on("b"));
  expect((await nodes()).find(({ name }) => name === "a")?.address).toBe("a:1");
  expect(said.filter((line) => line.startsWith("a node can't be what it is found to be"))).toHaveLength(1);
});

it("says once that users would stay behind, however many they are at each look, and what comes after it too", async () => {
  await look(on("a"), on("b"));
  let users = 0;
  let isShared = false;
  const processAt = async () => (isShared ? "main" : null);
  ports = { ...ports, processAt, leftBehind: async () => (users += 1) };
  discovery = new Discovery(ports);
  const moved = [on("a", { address: "z:1" }), on("b")];
  for (let looks = 0; looks < 12; looks += 1) await look(...moved);
  const obstacles = () => said.filter((line) => line.startsWith("a node can't be what it is found to be"));
  expect(obstacles()).toHaveLength(1);
  isShared = true;
  await look(...moved);
  expect(obstacles()).toHaveLength(2);
});

it("says another obstacle to the same node once, also when both take turns", async () => {
  let of = "main";
  ports = { ...ports, processAt: async ({ name }) => (name === "a" ? of : null) };
  discovery = new Discovery(ports);
  for (let looks = 0; looks < 6; looks += 1) {
    of = looks % 2 === 0 ? "main-1" : "main-2";
    await look(on("a"), on("b"));
  }
  const obstacles = said.filter((line) => line.startsWith("a node that is found can't be entered"));
  expect(obstacles).toHaveLength(2);
});

it("keeps nothing of an obstacle to a name that is no more: it is said again when the name comes back", async () => {
  ports = { ...ports, processAt: async ({ name }) => (name === "a" ? "main" : null) };
  discovery = new Discovery(ports);
  for (const endpoints of [[on("a"), on("b")], [on("b")], [on("a"), on("b")]]) await look(...endpoints);
  expect(said.filter((line) => line.startsWith("a node that is found can't be entered"))).toHaveLength(2);
});

it("does not enter a process that is a node, and goes on with the others", async () => {
  ports = { ...ports, processAt: async ({ name }) => (name === "a" ? "main" : null) };
  discovery = new Discovery(ports);
  for (let looks = 0; looks < 3; looks += 1) await look(on("a"), on("b"));
  expect(Object.keys(await states())).toEqual(["main", "b"]);
  expect(said.filter((line) => line.startsWith("a node that is found can't be entered"))).toHaveLength(1);
});

it("believes no list that has lost most nodes, however long it says so", async () => {
  await look(on("a"), on("b"), on("c"));
  for (let looks = 0; looks < 5; looks += 1) {
    now += 60_000;
    expect(await look()).toEqual({ isBraked: true });
  }
  expect(await states()).toEqual({ main: "active", a: "joining", b: "joining", c: "joining" });
  expect(await look(on("a"), on("b"))).toEqual({ isBraked: false });
  expect(await states()).toMatchObject({ c: "joining" });
  expect(said.filter((line) => line.startsWith("most nodes are away at once"))).toHaveLength(1);
  expect(said.filter((line) => line.startsWith("recovered"))).toHaveLength(1);
});

it("gives time anew to nodes that are still away after most were, in another worker too", async () => {
  await look(on("a"), on("b"), on("c"), on("d"));
  await look();
  now += 60_000;
  await look();
  // The one that looked has ended.
  discovery = new Discovery(ports);
  await look(on("a"), on("b"));
  expect(await states()).toMatchObject({ c: "joining", d: "joining" });
  now += 1_000;
  await look(on("a"), on("b"));
  expect(await states()).toMatchObject({ c: "draining", d: "draining" });
});

it("takes out no node that answers and whose last bytes nobody reads", async () => {
  const readLast = vi.fn<() => Promise<boolean>>(async () => false);
  const leaving = { answers: async () => true, isInFile: false, places: [], close: () => undefined };
  ports = { ...ports, readLast, leave: () => leaving };
  discovery = new Discovery(ports);
  await look(on("a"), on("b"));
  await look(on("b"));
  now += 10_000;
  await look(on("b"));
  expect(readLast).toHaveBeenCalledOnce();
  expect(await states()).toMatchObject({ a: "disabled" });
  readLast.mockResolvedValue(true);
  await look(on("b"));
  expect(Object.keys(await states())).toEqual(["main", "b"]);
});

it("names pods that are found under one name", async () => {
  await look(on("a"), on("a", { pod: "second", address: "y:1" }));
  expect(said.filter((line) => line.startsWith("several pods are found"))).toHaveLength(1);
  expect((await nodes()).map(({ name, address }) => [name, address])).toContainEqual(["a", "a:1"]);
});
