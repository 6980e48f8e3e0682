import type { Delivery } from "@veil/job-queue";
import { inMemoryLifecycle } from "@veil/keys/testing";
import { expect, it } from "vitest";
import { inMemoryKeyHandlers } from "../../test/support/in-memory-key-handlers.ts";

const BATCHES = 6;
const ITEMS = 100;

function delivery(jobId: string): Delivery {
  return { jobId, requestId: "r", requestedAt: 1, attempt: 1, redelivered: false };
}

/** A store that holds back the claims of batches until they are let go. */
function heldBack() {
  const { ports, store, clock, passing } = inMemoryLifecycle();
  let letGo: () => void = () => undefined;
  const isOver = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const claimed: string[] = [];
  const { claim } = store;
  store.claim = async (creation, ...how) => {
    const { job } = creation;
    claimed.push(job);
    if (job.startsWith("batch")) await isOver;
    return claim.call(store, creation, ...how);
  };
  const handlers = inMemoryKeyHandlers(ports);
  const stamp = { deadline: clock.now() + 3_600_000, request_id: "r" };
  return { handlers, stamp, claimed, letGo: () => letGo(), passing };
}

it("begins some of the batches that come after a single key, in their order, and another single key beside them", async () => {
  const { handlers, stamp, claimed, letGo, passing } = heldBack();
  const key = { name: null, owner: null, terms: {} };
  await passing(handlers["create-key"]({ key, ...stamp }, delivery("single-0")));
  const keys = Array.from({ length: ITEMS }, () => key);
  const batches = Array.from({ length: BATCHES }, (_, index) =>
    handlers["create-keys"]({ keys, ...stamp }, delivery(`batch-${index}`)),
  );
  const single = await passing(handlers["create-key"]({ key, ...stamp }, delivery("single-1")));
  expect(single).toMatchObject({ outcome: "created" });
  const begun = claimed.filter((job) => job.startsWith("batch"));
  // Each as a whole, until there are 250 items or more.
  expect(begun.length).toBe(3 * ITEMS);
  expect(begun.slice(0, ITEMS).every((job) => job.startsWith("batch-0-"))).toBe(true);

  letGo();
  for (const batch of await passing(Promise.all(batches))) {
    expect(batch.items.map(({ outcome }) => outcome)).toEqual(keys.map(() => "created"));
  }
});
