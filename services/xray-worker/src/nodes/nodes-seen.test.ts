import type { NodeSighting } from "@veil/keys";
import { expect, it } from "vitest";
import { NodesSeen } from "./nodes-seen.ts";

it("writes what was seen since it last wrote, each node's last word", async () => {
  let now = 1_000.7;
  const written: ReadonlyMap<string, NodeSighting>[] = [];
  const seen = new NodesSeen({ note: async (sightings) => void written.push(sightings) }, { now: () => now });
  seen.probed("a", true);
  now = 2_000;
  seen.probed("a", false);
  seen.probed("b", false);
  now = 3_000;
  seen.probed("b", true);
  now = 4_000;
  seen.probed("a", null);
  await seen.write();
  await seen.write();
  expect(written).toEqual([
    new Map([
      ["a", { seenAt: 1_000, failedAt: 2_000 }],
      ["b", { seenAt: 3_000, failedAt: 2_000 }],
    ]),
    new Map(),
  ]);
});
