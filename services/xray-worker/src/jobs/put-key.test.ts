import type { Delivery } from "@veil/job-queue";
import { jobDefinition } from "@veil/job-contract";
import { inMemoryLifecycle } from "@veil/keys/testing";
import { expect, it } from "vitest";
import { inMemoryKeyHandlers } from "../../test/support/in-memory-key-handlers.ts";

const delivery = (jobId: string): Delivery => ({
  jobId,
  requestId: "r",
  requestedAt: 1,
  attempt: 1,
  redelivered: false,
});

it("keeps to the revision that a put names, and makes the key where it names none", async () => {
  const { ports, clock, passing } = inMemoryLifecycle();
  const { payload, result } = jobDefinition("put-key");
  const put = async (job: string, seen: { if_revision?: number | "any" } = {}) => {
    const asked = { external_id: "tg-1", owner: null, terms: { note: job }, request_id: "r", ...seen };
    const sent = payload.decode(payload.encode({ ...asked, deadline: clock.now() + 8_000 }));
    return result.encode(await passing(inMemoryKeyHandlers(ports)["put-key"](sent, delivery(job))));
  };
  expect(await put("early", { if_revision: 1 })).toEqual({ outcome: "outdated" });
  expect(await put("as-before")).toMatchObject({ outcome: "created" });
  expect(await put("seen", { if_revision: 1 })).toMatchObject({ outcome: "changed" });
  expect(await put("stale", { if_revision: 1 })).toEqual({ outcome: "outdated" });
  expect(await put("whatever", { if_revision: "any" })).toMatchObject({ outcome: "changed" });
});
