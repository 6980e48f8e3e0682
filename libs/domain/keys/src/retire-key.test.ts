import { expect, test } from "vitest";
import { inMemoryLifecycle, plant, START_MS } from "../test/in-memory-lifecycle.ts";
import { StoreRejectedError } from "./errors.ts";
import { retireKey } from "./retire-key.ts";

const request = { keyId: 1, owner: null, job: "delete-1", deadline: START_MS + 600_000, redelivered: false };

test("a deletion whose first write the store refuses is over at once, unless an earlier delivery may have begun it", async () => {
  const { nodes, ports, store, passing } = inMemoryLifecycle();
  plant(store, [nodes.a, nodes.b], { phase: "active" });
  const beginDeletion = () => Promise.reject(new StoreRejectedError(new Error("OutOfDiskSpace")));
  const refusing = { ...ports, store: Object.assign(Object.create(ports.store), { beginDeletion }) };

  expect(await passing(retireKey(request, refusing))).toEqual({
    outcome: "unavailable",
    detail: "the key store refuses writes",
  });
  await expect(passing(retireKey({ ...request, redelivered: true }, refusing))).rejects.toThrow(StoreRejectedError);
  expect(nodes.a.users.size).toBe(1);
  expect(await passing(retireKey(request, ports))).toEqual({ outcome: "deleted" });
});
