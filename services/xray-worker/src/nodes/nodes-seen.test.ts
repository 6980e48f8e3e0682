import type { NodeSighting } from "@veil/keys";
import type { NodePass } from "@veil/nodes";
import { expect, it } from "vitest";
import { NodesSeen } from "./nodes-seen.ts";

it("writes what was seen since it last wrote, each node's last word", async () => {
  let now = 1_000.7;
  const written: ReadonlyMap<string, NodeSighting>[] = [];
  const passes: ReadonlyMap<string, NodePass>[] = [];
  const stores = {
    sightings: { note: async (noted: ReadonlyMap<string, NodeSighting>) => void written.push(noted) },
    passes: { note: async (noted: ReadonlyMap<string, NodePass>) => void passes.push(noted) },
  };
  const seen = new NodesSeen(stores, { now: () => now });
  seen.probed("a", true);
  now = 2_000;
  seen.probed("a", false);
  seen.probed("b", false);
  now = 3_000;
  seen.probed("b", true);
  now = 4_000;
  seen.probed("a", null);
  const drift = { missing: [], wrong: [], orphans: [], unknown: [], indeterminate: [] };
  seen.passed("a", { users: 3, drift });
  await seen.write();
  await seen.write();
  const noted = { at: 4_000, users: 3, missing: 0, wrong: 0, orphans: 0 };
  expect(passes).toEqual([new Map([["a", noted]]), new Map()]);
  expect(written).toEqual([
    new Map([
      ["a", { seenAt: 1_000, failedAt: 2_000 }],
      ["b", { seenAt: 3_000, failedAt: 2_000 }],
    ]),
    new Map(),
  ]);
});
