import { noHints } from "@veil/events/testing";
import { type FleetNode, KNOWN_TO_ALL_MS, placesOf } from "@veil/nodes";
import { InMemoryFleet, someInbound, someNode } from "@veil/nodes/testing";
import type { Redis } from "@veil/redis";
import { createLogger, ManualClock } from "@veil/runtime";
import { expect, it } from "vitest";
import { fleetChanger } from "./fleet-changes.ts";
import { JoiningNodes } from "./joining-nodes.ts";

const NOW = 1_800_000_000_000;

/** @param isWritten whether the config file can be written */
function joiningNodes(node: FleetNode, isWritten: () => boolean) {
  const before = { revision: 1, nodes: [node], hosts: [] };
  const store = new InMemoryFleet(before);
  const joining = new JoiningNodes({
    ...{ store, prefix: "test", clock: new ManualClock(NOW), change: fleetChanger(store, noHints) },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody listens
    redis: {} as Redis,
    log: createLogger({ service: "test", version: "0", level: "silent" }),
    fleet: () => before,
    connected: () => [],
    newMark: () => "mark",
    inFile: { empty: async ({ name }) => name === "a/old" && isWritten() },
  });
  const places = async () => (await store.read())?.nodes.flatMap(placesOf).map(({ name }) => name);
  const unfilled = async () =>
    (await store.read())?.nodes.flatMap(placesOf).flatMap(({ name, inbound }) => (inbound.isUnfilled ? [name] : []));
  return { joining, places, unfilled };
}

it("ends an inbound that leaves once none of our users is left in the config file either", async () => {
  const inbounds = [someInbound("new"), someInbound("old", { isLeaving: true })];
  let isWritten = false;
  const { joining, places } = joiningNodes(someNode("a", { inbounds }), () => isWritten);
  await joining.sorted("a/old");
  expect(await places()).toEqual(["a", "a/old"]);
  isWritten = true;
  await joining.sorted("a/old");
  expect(await places()).toEqual(["a"]);
});

it("shows an inbound after a pass that could fill it, not after one that found it as it left", async () => {
  const regroupedAt = NOW - KNOWN_TO_ALL_MS;
  const inbounds = [someInbound("first"), someInbound("again", { regroupedAt, isUnfilled: true })];
  const { joining, unfilled } = joiningNodes(someNode("a", { inbounds }), () => true);
  await joining.filled("a/again", regroupedAt + KNOWN_TO_ALL_MS - 1);
  await joining.filled("a", regroupedAt + KNOWN_TO_ALL_MS);
  expect(await unfilled()).toEqual(["a/again"]);
  await joining.filled("a/again", regroupedAt + KNOWN_TO_ALL_MS);
  expect(await unfilled()).toEqual([]);
});

it("shows an inbound after a pass although a clock was a day ahead when it was entered", async () => {
  const inbounds = [someInbound("first"), someInbound("new", { regroupedAt: NOW + 86_400_000, isUnfilled: true })];
  const { joining, unfilled } = joiningNodes(someNode("a", { inbounds }), () => true);
  await joining.filled("a/new", NOW);
  expect(await unfilled()).toEqual([]);
});
