import type { NodeSighting } from "@veil/keys";
import { expect, it, vi } from "vitest";
import { DownNodes } from "./down-nodes.ts";

it("reads once a second for all who ask, and keeps what it read while that fails", async () => {
  let now = 0;
  const list = vi.fn<() => Promise<ReadonlyMap<string, NodeSighting>>>(
    async () => new Map([["a", { seenAt: 1, failedAt: 9_000 }]]),
  );
  const down = new DownNodes({ list }, { monotonic: () => now });
  expect(await Promise.all([down.names(), down.names()])).toEqual([new Set(["a"]), new Set(["a"])]);
  now = 999;
  await down.names();
  expect(list).toHaveBeenCalledTimes(1);

  now = 1_000;
  list.mockRejectedValueOnce(new Error("away"));
  expect(await down.names()).toEqual(new Set(["a"]));
  now = 2_000;
  list.mockResolvedValueOnce(new Map([["a", { seenAt: 9_500, failedAt: 9_000 }]]));
  expect(await down.names()).toEqual(new Set());
});
