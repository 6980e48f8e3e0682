import type { Delivery } from "@veil/job-queue";
import { jobDefinition } from "@veil/job-contract";
import { NodeUnreachableError } from "@veil/keys";
import { inMemoryLifecycle, plant } from "@veil/keys/testing";
import { expect, it } from "vitest";
import { inMemoryKeyHandlers } from "../../test/support/in-memory-key-handlers.ts";

const delivery: Delivery = { jobId: "job-1", requestId: "r", requestedAt: 1, attempt: 1, redelivered: false };

it.each([
  ["stands, since no node could follow it", 8_000, "unavailable", true],
  ["was not made, since it came too late", -1, "failed", false],
] as const)("tells of a change that it %s", async (_what, leftMs, outcome, isStored) => {
  const { ports, store, nodes, clock, passing } = inMemoryLifecycle();
  plant(store, [nodes.a], { keyId: 1, phase: "active" });
  for (const node of Object.values(nodes)) {
    node.onCall = () => {
      throw new NodeUnreachableError(node.name, null);
    };
  }
  const change = { set: {}, revokeCredentials: true };
  const asked = { key_id: 1, owner: null, change, if_revision: null, request_id: "r" };
  const run = inMemoryKeyHandlers(ports)["change-key"]({ ...asked, deadline: clock.now() + leftMs }, delivery);
  const { result } = jobDefinition("change-key");
  expect(result.encode(await passing(run))).toMatchObject({ outcome, is_stored: isStored });
});

it("is read without that word of a version before", () => {
  const given = { outcome: "unavailable", detail: "no Xray node can be reached" } as const;
  expect(jobDefinition("change-key").result.decode(given)).toEqual(given);
});
