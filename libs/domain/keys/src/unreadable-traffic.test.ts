import { expect, it, test } from "vitest";
import { inMemoryLifecycle, plant, START_MS } from "../test/in-memory-lifecycle.ts";
import { changeKey, type KeyChange } from "./change-key.ts";
import { applyDueTerms } from "./due-keys.ts";
import { UnreadableRecordError } from "./errors.ts";
import { firstTerms, type KeyTerms } from "./terms/key-terms.ts";

const START_S = START_MS / 1_000;
const HOUR_MS = 3_600_000;
const USED = { upload: 10, download: 40 };
const DAILY = { trafficReset: "day", nextResetAt: START_S - 5 } as const;

/** A key with a limit, in both nodes if it is in service, of whose traffic the record is damaged. */
function damaged(fields: Partial<KeyTerms> = {}, isInNodes = true) {
  const rig = inMemoryLifecycle();
  const first = firstTerms({ trafficLimit: 100 }, { createdAt: START_S - 100, nextResetAt: null });
  const terms = { ...first, usedFrom: USED, ...fields };
  plant(rig.store, isInNodes ? Object.values(rig.nodes) : [], { phase: "active", terms });
  const movedBy = async () => {
    throw new UnreadableRecordError("traffic: the document 1 makes no sense");
  };
  const movedByMany = async () => new Map([[1, "unreadable" as const]]);
  const ports = { ...rig.ports, traffic: { movedBy, movedByMany } };
  const change = (asked: KeyChange) => {
    const whose = { keyId: 1, owner: null, job: "change-1", deadline: START_MS + 8_000, redelivered: false };
    return rig.passing(changeKey({ ...whose, change: asked, ifRevision: null }, ports));
  };
  const look = async () => (await rig.passing(applyDueTerms([1], ports))).get(1);
  const users = () => Object.values(rig.nodes).map(({ users: held }) => held.has(1));
  const stored = () => rig.store.keys.get(1)?.terms;
  return { ...rig, change, look, users, stored };
}

it.each<[string, KeyChange, readonly boolean[]]>([
  ["disabled", { set: { enabled: false } }, [false, false]],
  ["given an end that is past", { set: { expiresAt: START_S - 1 } }, [false, false]],
  ["given another uuid", { revokeCredentials: true }, [true, true]],
  ["renamed, with the limit that it has", { name: "Ada", set: { trafficLimit: 100 } }, [true, true]],
  ["given no limit any more", { set: { trafficLimit: null } }, [true, true]],
])("a key can be %s", async (_name, asked, inNodes) => {
  const { change, users, stored } = damaged();
  expect(await change(asked)).toMatchObject({ outcome: "changed", isChanged: true });
  expect([users(), stored()?.usedFrom]).toEqual([inNodes, USED]);
});

it.each<[string, KeyChange]>([
  ["begin its count anew", { resetTraffic: true, set: { note: "n" } }],
  ["have another limit", { set: { trafficLimit: 200 } }],
  ["be put on hold", { set: { holdFor: 60 } }],
])("a key that can't %s stays as it was, and its caller hears why at once", async (_name, asked) => {
  const { change, stored } = damaged();
  const before = stored();
  const detail = "what the key has moved can't be read";
  expect(await change(asked)).toEqual({ outcome: "failed", detail, isStored: false });
  expect(stored()).toEqual(before);
});

it("stays limited when something else is changed, until it has no limit", async () => {
  const { change, stored, users } = damaged({ limitedAt: START_S - 9 }, false);
  await change({ set: { note: "n" } });
  expect([stored()?.limitedAt, users()]).toEqual([START_S - 9, [false, false]]);
  const free = damaged({ limitedAt: START_S - 9 }, false);
  await free.change({ set: { trafficLimit: null } });
  expect([free.stored()?.limitedAt, free.users()]).toEqual([null, [true, true]]);
});

it("keeps a reset that is due for when the record is mended", async () => {
  const { change, stored, due, look } = damaged(DAILY);
  expect(await change({ set: { note: "n" } })).toMatchObject({ outcome: "changed" });
  expect(stored()).toMatchObject({ usedFrom: USED, nextResetAt: DAILY.nextResetAt });
  expect(await look()).toBe("later");
  expect(due.expected.get(1)).toEqual({ at: START_MS + 60_000 + HOUR_MS, traffic: null });
});

test.each([
  ["alone", DAILY],
  ["together with others", {}],
])("its end comes in time all the same, looked at %s", async (_name, fields) => {
  const { look, stored, users } = damaged({ ...fields, expiresAt: START_S - 1, limitedAt: START_S - 9 });
  await look();
  expect(stored()).toMatchObject({ isExpiryCounted: true, limitedAt: START_S - 9, usedFrom: USED });
  expect(users()).toEqual([false, false]);
});

it("is looked at when its end comes, though its record is looked at again only later", async () => {
  const { look, due } = damaged({ ...DAILY, expiresAt: START_S + 600 });
  expect(await look()).toBe("later");
  expect(due.expected.get(1)).toEqual({ at: (START_S + 600) * 1_000, traffic: null });
});
