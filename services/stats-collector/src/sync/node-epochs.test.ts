import type { Life } from "@veil/traffic";
import { XrayUnreachableError } from "@veil/xray-grpc";
import { describe, expect, it, vi } from "vitest";
import { lostReply } from "../../test/in-memory/lost-reply.ts";
import { BEGIN, Rig } from "../../test/in-memory/rig.ts";
import { MarkNotPlantedError, ProcessChangedError, UptimeUnclearError } from "./node-epochs.ts";

const FIRST_EPOCH = BEGIN / 1000;
const epochAlone = async ({ epoch }: Life): Promise<number> => epoch;

/** Dates a reading and says that it was dated, as a sync does. */
async function readOnce(rig: Rig): Promise<number> {
  const { epoch, seenAt } = await rig.epochs().date(rig.node, epochAlone);
  await rig.lives.raiseSeen(rig.node.name, epoch, seenAt);
  return epoch;
}

describe("dating a reading", () => {
  it("plants a mark on a node without one, and gives it an epoch", async () => {
    const rig = new Rig();
    const dated = await rig.epochs().date(rig.node, epochAlone);
    const life = { node: "main", epoch: FIRST_EPOCH };
    expect(dated).toEqual({ life, epoch: FIRST_EPOCH, value: FIRST_EPOCH, seenAt: BEGIN });
    expect(rig.node.xray.mark).toBe("mark-1");
  });

  it("costs two looks at the mark once it is known", async () => {
    const rig = new Rig();
    const epochs = rig.epochs();
    await epochs.date(rig.node, epochAlone);
    rig.node.calls.length = 0;
    await epochs.date(rig.node, epochAlone);
    expect(rig.node.calls).toEqual(["readProcessMark", "readProcessMark"]);
  });

  it("is the same epoch for every collector", async () => {
    const rig = new Rig();
    const collectors = [rig.epochs(), rig.epochs(), rig.epochs()];
    const dated = await Promise.all(collectors.map((epochs) => epochs.date(rig.node, epochAlone)));
    expect(new Set(dated.map(({ epoch }) => epoch)).size).toBe(1);
  });

  it("is refused when the process ended while it was read", async () => {
    const rig = new Rig();
    const reading = rig.epochs().date(rig.node, async () => rig.node.xray.restart(rig.clock.now()));
    await expect(reading).rejects.toThrow(ProcessChangedError);
  });

  it("is in a new epoch after a restart", async () => {
    const rig = new Rig();
    await readOnce(rig);
    await rig.clock.advance(10_000);
    rig.node.xray.restart(rig.clock.now());
    expect(await readOnce(rig)).toBe(FIRST_EPOCH + 10);
  });

  it("stays in its epoch when somebody removed the mark of a process that runs on", async () => {
    const rig = new Rig();
    await readOnce(rig);
    await rig.clock.advance(10_000);
    rig.node.xray.mark = null;
    expect(await readOnce(rig)).toBe(FIRST_EPOCH);
  });

  it("uses a fresh id for every attempt to plant, and takes what stands when the reply was lost", async () => {
    const rig = new Rig();
    let lost = 0;
    rig.node.before = (method) => {
      if (method !== "plantProcessMark" || lost === 2) return;
      lost += 1;
      throw lostReply("main", method);
    };
    await rig.epochs().date(rig.node, epochAlone);
    expect(rig.node.xray.mark).toBe("mark-3");
  });

  it("gives up on a node that keeps no mark", async () => {
    const rig = new Rig();
    rig.node.before = (method) => {
      if (method === "readProcessMark") rig.node.xray.mark = null;
    };
    await expect(rig.epochs().date(rig.node, epochAlone)).rejects.toThrow(MarkNotPlantedError);
  });

  it.each([
    ["at once", 0, 2],
    ["within five seconds", 100, 7],
  ])(
    "of 50 nodes that restarted %s asks each node for others' sake a few times, however many there are",
    async (_, apartMs, most) => {
      const rig = new Rig(Array.from({ length: 50 }, (_value, index) => `node-${index}`));
      for (const node of rig.nodes) {
        await rig.lives.raiseSeen(node.name, (await rig.epochs().date(node, epochAlone)).epoch, BEGIN);
      }
      await rig.clock.advance(10_000);
      for (const node of rig.nodes) {
        node.xray.restart(rig.clock.now());
        node.calls.length = 0;
      }
      const epochs = rig.epochs();
      const dating: Promise<unknown>[] = [];
      for (const node of rig.nodes) {
        dating.push(epochs.date(node, epochAlone));
        if (apartMs > 0) await rig.clock.advance(apartMs);
      }
      await rig.clock.advance(1_000);
      await Promise.all(dating);
      // For its own: there is no mark, the one that was planted is there, and is there still.
      const asked = rig.nodes.map(({ calls }) => calls.filter((method) => method === "readProcessMark").length - 3);
      expect(Math.max(...asked)).toBeLessThanOrEqual(most);
    },
  );

  it("has nodes wait a second at most for a look at the others' marks, whenever in between they come", async () => {
    const rig = new Rig(["a", "b", "c"]);
    for (const node of rig.nodes) {
      await rig.lives.raiseSeen(node.name, (await rig.epochs().date(node, epochAlone)).epoch, BEGIN);
    }
    await rig.clock.advance(10_000);
    for (const node of rig.nodes) node.xray.restart(rig.clock.now());
    const epochs = rig.epochs();
    const dated: string[] = [];
    for (const node of rig.nodes) {
      void epochs.date(node, epochAlone).then(() => dated.push(node.name));
      await rig.clock.advance(400);
    }
    await rig.clock.advance(0);
    await vi.waitFor(() => expect(dated).toEqual(["a", "b", "c"]));
  });

  it("does not guess when a process began that takes long to tell its uptime", async () => {
    const rig = new Rig();
    rig.node.before = async (method) => {
      if (method === "uptimeSeconds") await rig.clock.advance(1_500);
    };
    await expect(rig.epochs().date(rig.node, epochAlone)).rejects.toThrow(UptimeUnclearError);
  });

  it("fails as the node fails", async () => {
    const rig = new Rig();
    rig.node.before = (method) => {
      throw new XrayUnreachableError("main", method, "no-connection", "refused");
    };
    await expect(rig.epochs().date(rig.node, epochAlone)).rejects.toThrow(XrayUnreachableError);
  });
});
