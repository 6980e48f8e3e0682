import { updateOf } from "@veil/traffic";
import { expect, it, vi } from "vitest";
import { Rig } from "../test/in-memory/rig.ts";
import { type BookedKey, BookedKeys } from "./booked-keys.ts";

function listening(rig: Rig) {
  const said: string[] = [];
  const say = (_fields: unknown, message?: string) => void said.push(String(message));
  const log = { error: say, info: say, warn: say };
  const keys = new BookedKeys({ records: rig.records, among: async (keyIds) => keyIds, log });
  const named: (readonly BookedKey[])[] = [];
  keys.listen((booked) => void named.push(booked));
  return { keys, named, said };
}

async function syncs(rig: Rig, keys: BookedKeys): Promise<void> {
  for (const node of rig.nodes) await rig.sync(node).run();
  keys.booked(rig.booked.splice(0));
  await keys.untilNamed();
}

it("tells which keys moved, with their figures over all nodes, and of no node", async () => {
  const rig = new Rig(["a", "b"]);
  const { keys, named } = listening(rig);
  for (const { xray } of rig.nodes) xray.move(1, "up", 10);
  rig.node.xray.move(2, "down", 7);
  await syncs(rig, keys);
  const seconds = rig.clock.now() / 1000;
  expect(
    named.flat().map(({ keyId, lifetime, used, firstCountedAt }) => ({ keyId, lifetime, used, firstCountedAt })),
  ).toEqual([
    { keyId: 1, lifetime: { up: 20, down: 0 }, used: { up: 20, down: 0 }, firstCountedAt: seconds },
    { keyId: 2, lifetime: { up: 0, down: 7 }, used: { up: 0, down: 7 }, firstCountedAt: seconds },
  ]);
});

it("tells nothing when nothing moved, and reads nothing while nobody listens", async () => {
  const rig = new Rig();
  const { keys, named } = listening(rig);
  await syncs(rig, keys);
  expect(named).toEqual([]);
  const read = vi.spyOn(rig.records, "findMany");
  const unheard = new BookedKeys({
    records: rig.records,
    among: async (keyIds) => keyIds,
    log: { error: () => undefined, info: () => undefined, warn: () => undefined },
  });
  unheard.booked([updateOf("1", [], 5)]);
  await unheard.untilNamed();
  expect(read).not.toHaveBeenCalled();
});

it("tells together what moved while it was telling, and goes on when a listener or the store failed", async () => {
  const rig = new Rig();
  const { keys, named, said } = listening(rig);
  for (const keyId of [1, 2, 3]) rig.node.xray.move(keyId, "up", 1);
  await rig.sync().run();
  const [one, two, three] = ["1", "2", "3"].map((entity) => updateOf(entity, [], 5));
  if (one === undefined || two === undefined || three === undefined) throw new RangeError("three updates");
  keys.booked([one]);
  keys.booked([two]);
  keys.booked([three, two]);
  await keys.untilNamed();
  expect(named.map((booked) => booked.map(({ keyId }) => keyId))).toEqual([[1], [2, 3]]);
  const away = vi.spyOn(rig.records, "findMany").mockRejectedValue(new Error("away"));
  for (let time = 0; time < 3; time += 1) {
    keys.booked([one]);
    await keys.untilNamed();
  }
  expect(said).toEqual(["keys that moved could not be looked at"]);
  away.mockRestore();
  keys.booked([one]);
  await keys.untilNamed();
  expect(named).toHaveLength(3);
  expect(said.slice(1)).toEqual(["recovered"]);
});
