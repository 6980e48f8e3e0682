import { createLogger } from "@veil/runtime";
import { totals } from "@veil/traffic";
import { describe, expect, it, vi } from "vitest";
import { BEGIN, Rig } from "../../test/in-memory/rig.ts";
import { type NodeReport, SyncLoop } from "./sync-loop.ts";

const log = createLogger({ service: "test", version: "0", level: "silent" });

function loopOf(rig: Rig, reports: NodeReport[] = []): SyncLoop {
  return new SyncLoop({
    sync: rig.sync(),
    lives: rig.lives,
    records: rig.records,
    everyMs: 10_000,
    clock: rig.clock,
    log,
    onReport: (report) => reports.push(report),
  });
}

describe("the loop that syncs a node", () => {
  it("reads the node and reports how it stands", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 5);
    const reports: NodeReport[] = [];
    await loopOf(rig, reports).tick();
    expect(reports).toEqual([{ node: "main", seenAt: BEGIN, restarts: 0, carried: { up: 5, down: 0 } }]);
  });

  it("leaves a node to the replica that read it within the interval, and reports its reading", async () => {
    const rig = new Rig();
    rig.node.xray.move(1, "up", 5);
    await loopOf(rig).tick();
    await rig.clock.advance(4_000);
    rig.node.calls.length = 0;
    const reports: NodeReport[] = [];
    await loopOf(rig, reports).tick();
    expect(rig.node.calls).toEqual([]);
    expect(reports).toMatchObject([{ seenAt: BEGIN, carried: { up: 5 } }]);
  });

  it("takes over when the other one has stopped", async () => {
    const rig = new Rig();
    await loopOf(rig).tick();
    await rig.clock.advance(14_000);
    rig.node.calls.length = 0;
    await loopOf(rig).tick();
    expect(rig.node.calls).toContain("queryCounters");
  });

  it("does not wait for the time of a clock that went ahead", async () => {
    const rig = new Rig();
    await loopOf(rig).tick();
    await rig.lives.raiseSeen("main", 0, BEGIN + 60_000);
    rig.node.calls.length = 0;
    await loopOf(rig).tick();
    expect(rig.node.calls).toContain("queryCounters");
  });

  it("reads the node once more in a stop, though it was read a moment ago", async () => {
    const rig = new Rig();
    const loop = loopOf(rig);
    await loop.tick();
    rig.node.xray.move(1, "up", 5);
    await loop.finish(() => true, new AbortController().signal);
    const record = await rig.records.find("1");
    expect(record === null ? null : totals(record)).toEqual({ up: 5, down: 0 });
  });

  it("leaves a node alone in a stop that did not answer last, and one that hangs when time runs short", async () => {
    const rig = new Rig();
    rig.node.before = () => new Promise(() => undefined);
    const loop = loopOf(rig);
    await loop.finish(() => false, new AbortController().signal);
    expect(rig.node.calls).toEqual([]);
    const deadline = new AbortController();
    const finished = loop.finish(() => true, deadline.signal);
    deadline.abort();
    await finished;
    expect(rig.node.calls).not.toEqual([]);
  });

  it("goes on when the node can't be read, and says so once", async () => {
    const rig = new Rig();
    const loop = loopOf(rig);
    const warn = vi.spyOn(log, "warn").mockReturnValue(undefined);
    rig.node.before = () => {
      throw new Error("away");
    };
    await loop.tick();
    await loop.tick();
    expect(warn).toHaveBeenCalledTimes(1);
    rig.node.before = () => undefined;
    await loop.tick();
    expect(await rig.lives.find("main")).not.toBeNull();
  });

  it("says once that the store refuses traffic, and anew when it is of another number of keys", async () => {
    const rig = new Rig();
    const said: string[] = [];
    const say = (level: string) => (_fields: unknown, message?: string) => void said.push(`${level}: ${message}`);
    let refused = new Set<string>();
    const loop = new SyncLoop({
      sync: { node: "main", run: async () => ({ node: "main", changed: 1, refused }) },
      lives: rig.lives,
      records: rig.records,
      everyMs: 10_000,
      clock: rig.clock,
      log: { debug: () => undefined, info: say("info"), warn: say("warn") },
      onReport: () => undefined,
    });
    for (refused of [["1"], ["1"], ["1"], ["1", "2"], [], []].map((some) => new Set(some))) await loop.tick();
    const warning = "warn: the store refused traffic of some keys";
    expect(said).toEqual([warning, warning, "info: the node was read"]);
  });
});
