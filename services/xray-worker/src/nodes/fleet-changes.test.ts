import { noHints } from "@veil/events/testing";
import { InMemoryFleet, someNode } from "@veil/nodes/testing";
import { expect, it } from "vitest";
import { fleetChanger } from "./fleet-changes.ts";

it("stores changes together that come at once: none is made anew because of another one", async () => {
  const store = new InMemoryFleet({ revision: 1, nodes: [someNode("a")], hosts: [] });
  let steps = 0;
  store.beforeStep = async () => {
    steps += 1;
  };
  const change = fleetChanger(store, noHints);
  const noted = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      change(({ nodes }) => ({ nodes: nodes.map((node) => ({ ...node, position: node.position + index })) })),
    ),
  );
  expect(noted).toEqual(Array.from({ length: 50 }, () => true));
  // Read and written once each.
  expect(steps).toBe(2);
  expect((await store.read())?.nodes[0]?.position).toBe((49 * 50) / 2);
});
