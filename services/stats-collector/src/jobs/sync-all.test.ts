import { createLogger } from "@veil/runtime";
import { describe, expect, it } from "vitest";
import { Rig } from "../../test/in-memory/rig.ts";
import type { NodeSyncResult } from "../sync/node-sync.ts";
import { syncAll } from "./sync-all.ts";

const log = createLogger({ service: "test", version: "0", level: "silent" });

type Run = () => Promise<NodeSyncResult>;

function read(node: string, refused: readonly string[] = []): Run {
  return async () => ({ node, changed: 1, refused: new Set(refused) });
}

function all(rig: Rig, ...runs: readonly Run[]): ReturnType<typeof syncAll> {
  return sync(rig, null, runs);
}

function sync(rig: Rig, owner: string | null, runs: readonly Run[]): ReturnType<typeof syncAll> {
  const syncs = runs.map((run, index) => ({ node: `node-${index}`, run }));
  return syncAll({ syncs: () => syncs, keys: rig.keys, clock: rig.clock, log, limitMs: 7_000 }, { owner });
}

describe("a sync of all nodes", () => {
  it("counts every active key once", async () => {
    expect(await all(new Rig(), read("a"), read("b"))).toEqual({ updated: 3, errors: 0 });
  });

  it("counts each key as an error whose write was refused, nodes left out", async () => {
    const result = await all(new Rig(), read("a", ["1", "node/a"]), read("b", ["1", "2"]));
    expect(result).toEqual({ updated: 1, errors: 2 });
  });

  it("counts to one with an owner that one's keys alone", async () => {
    const rig = new Rig();
    rig.owners.set(1, "shop").set(2, "shop");
    const ofShop = (...runs: readonly Run[]) => sync(rig, "shop", runs);
    expect(await ofShop(read("a"))).toEqual({ updated: 2, errors: 0 });
    expect(await ofShop(read("a", ["1", "3", "node/a"]))).toEqual({ updated: 1, errors: 1 });
    expect(await ofShop(() => Promise.reject(new Error("away")))).toEqual({ updated: 0, errors: 2 });
  });

  it("counts all keys as errors when a node can't be read, and reads the others", async () => {
    let isRead = false;
    const result = await all(
      new Rig(),
      async () => {
        throw new Error("away");
      },
      async () => {
        isRead = true;
        return read("b")();
      },
    );
    expect(result).toEqual({ updated: 0, errors: 3 });
    expect(isRead).toBe(true);
  });

  it("waits for a node that hangs no longer than its limit", async () => {
    const rig = new Rig();
    const result = all(rig, read("a"), () => new Promise(() => undefined));
    await rig.clock.untilSleeping();
    await rig.clock.advance(7_000);
    expect(await result).toEqual({ updated: 0, errors: 3 });
  });

  it("leaves no timer behind", async () => {
    const rig = new Rig();
    await all(rig, read("a"));
    expect(rig.clock.sleepers).toBe(0);
  });
});
