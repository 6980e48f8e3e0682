import { expect, it } from "vitest";
import { Rig } from "../test/in-memory/rig.ts";
import { removeGone } from "./remove-gone.ts";

it("removes records of keys that are not active, and keeps nodes", async () => {
  const rig = new Rig();
  for (const keyId of [1, 2]) rig.node.xray.move(keyId, "up", 5);
  await rig.sync().run();
  rig.active.delete(2);
  expect(await removeGone(rig.records, rig.keys)).toBe(1);
  expect(await rig.records.find("1")).not.toBeNull();
  expect(await rig.records.find("2")).toBeNull();
  expect(await rig.records.find("node/main")).not.toBeNull();
  expect(await removeGone(rig.records, rig.keys)).toBe(0);
});

it("goes through any number of records", async () => {
  const rig = new Rig();
  const subjects = Array.from({ length: 2_500 }, (_, index) => String(index + 1));
  await rig.records.writeMany(subjects.map((subject) => ({ subject, read_at: 1, raise: {}, append: [] })));
  expect(await removeGone(rig.records, rig.keys)).toBe(2_497);
});
