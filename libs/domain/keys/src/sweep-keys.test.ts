import { expect, test } from "vitest";
import { inMemoryLifecycle, plant, plantCreation, START_MS } from "../test/in-memory-lifecycle.ts";
import { sweepKeys } from "./sweep-keys.ts";

test("a deletion that no job finishes is finished, by calls that leave no older one a chance", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, Object.values(nodes), { phase: "deleting" });

  expect(await passing(sweepKeys(ports))).toEqual({ overdue: 0, deleting: 1, cleared: 1 });
  expect(nodes.a.calls).toEqual(["remove", "remove", "add", "remove"]);
  expect(store.keys.get(1)?.phase).toBe("gone");
});

test("a creation is refused once its deadline is over for all clocks, not before", async () => {
  const { nodes, ports, store, clock, passing } = inMemoryLifecycle();
  nodes.a.users.set(1, plantCreation(store, START_MS));
  await clock.advance(1_500);
  expect(await sweepKeys(ports)).toEqual({ overdue: 0, deleting: 0, cleared: 0 });

  await clock.advance(1_000);
  expect(await passing(sweepKeys(ports))).toEqual({ overdue: 1, deleting: 1, cleared: 1 });
  expect(store.keys.get(1)).toMatchObject({ phase: "gone", activated: false });
  expect(nodes.a.users.size).toBe(0);
});
