import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  type DesiredState,
  desiredOn,
  isWanted,
  type KeyFilter,
  type KeyReader,
  type KeyRecord,
  type KeyStore,
  type KeyTerms,
  keyStatuses,
  statusOf,
  termsAt,
} from "../src/index.ts";
import { keyWith, versionOf } from "./changed-keys.ts";
import { activeKey, claimKey, decisionOf } from "./stored-keys.ts";

/** The ports under test, and the store of keys behind them. */
export interface KeyFiltersTarget {
  readonly store: KeyStore;
  readonly reader: KeyReader;
  readonly desired: DesiredState;
}

/** Keys of every status, by what makes it so: at the moment, a moment ago and in a moment. @param at unix seconds */
function termsOfEveryKind(at: number): Partial<KeyTerms>[] {
  const facts: Partial<KeyTerms>[] = [
    {},
    { enabled: false },
    { expiresAt: at },
    { expiresAt: at - 5, isExpiryCounted: true },
    { expiresAt: at + 60 },
    { holdFor: 60 },
    { holdFor: 60, holdUntil: at + 60 },
    { holdFor: 60, holdUntil: at - 30 },
    { holdFor: 30, holdUntil: at - 30 },
  ];
  const limits: Partial<KeyTerms>[] = [
    {},
    { trafficLimit: 5, limitedAt: at - 90 },
    { trafficLimit: 5, limitedAt: at - 90, trafficReset: "day", nextResetAt: at },
    { trafficLimit: 5, limitedAt: at - 90, trafficReset: "day", nextResetAt: at + 60 },
  ];
  return facts.flatMap((fact) => limits.map((limit) => ({ ...fact, ...limit })));
}

/**
 * Registers that what a store finds of keys by their terms is what the domain says of each.
 *
 * @param open the ports under test; other keys may be there already, and each call may give the same ones
 */
export function keyFiltersConformance(open: () => KeyFiltersTarget): void {
  const idsOf = async (reader: KeyReader, filter: KeyFilter, page: { after?: number; limit?: number } = {}) => {
    const ids: number[] = [];
    for await (const group of reader.listActive({ ...page, filter })) ids.push(...group.map(({ keyId }) => keyId));
    return ids;
  };
  const sorted = (keys: readonly KeyRecord[]) => keys.map(({ keyId }) => keyId).sort((a, b) => a - b);

  it("finds by status and by date what the domain computes, and wants the users of those in service", async () => {
    const { store, reader, desired } = open();
    const at = Math.floor(Date.now() / 1_000);
    const now = at * 1_000 + 300;
    const tag = randomUUID();
    const keys = await Promise.all(termsOfEveryKind(at).map((terms) => keyWith(store, { ...terms, tag })));
    const hidden = await keyWith(store, { tag });
    await store.beginDeletion(hidden.keyId, "delete-a");

    for (const status of keyStatuses) {
      const fitting = keys.filter(({ terms }) => statusOf(terms, now) === status);
      expect([status, fitting.length]).not.toEqual([status, 0]);
      expect([status, await idsOf(reader, { at: now, tag, status })]).toEqual([status, sorted(fitting)]);
      expect([status, await reader.countActive({ at: now, tag, status })]).toEqual([status, fitting.length]);
    }
    const ends = ({ terms }: KeyRecord) => termsAt(terms, now).expiresAt;
    for (const moment of [at - 5, at, at + 1, at + 30, at + 60, at + 61]) {
      const earlier = keys.filter((key) => (ends(key) ?? Number.POSITIVE_INFINITY) < moment);
      expect(await idsOf(reader, { at: now, tag, expiresBefore: moment })).toEqual(sorted(earlier));
      const later = keys.filter((key) => (ends(key) ?? Number.NEGATIVE_INFINITY) > moment);
      expect(await idsOf(reader, { at: now, tag, expiresAfter: moment })).toEqual(sorted(later));
    }
    const wanted = await desired.findDesired();
    const seenAt = Date.now();
    for (const key of keys) {
      const isSure = isWanted(key, now) === isWanted(key, seenAt);
      if (isSure) expect([wanted.has(key.keyId), key.terms]).toEqual([isWanted(key, now), key.terms]);
    }
    expect(wanted.has(hidden.keyId)).toBe(false);
    for (const groups of [["default"], ["vip"], ["default", "vip"], []]) {
      const { size } = desiredOn({ groups }, wanted);
      expect([await desired.hasDesired(size, groups), await desired.hasDesired(size + 1, groups)]).toEqual([
        true,
        false,
      ]);
    }
  });

  it("wants the user that a revocation made, and finds the key by that one alone", async () => {
    const { store, reader, desired } = open();
    const key = await activeKey(store);
    const uuid = randomUUID();
    await store.change(key.keyId, versionOf(key, {}, { uuid }));
    expect((await desired.findDesired()).get(key.keyId)?.uuid).toBe(uuid);
    expect(await reader.findByUuid(key.uuid)).toBeNull();
    expect(await reader.findByUuid(uuid)).toMatchObject({ keyId: key.keyId, uuid });
  });

  describe("filters", () => {
    it("compare texts exactly, and have to fit all together", async () => {
      const { store, reader } = open();
      const [tag, name] = [randomUUID(), `Ключ ${randomUUID()}`];
      const [one, two, three] = [
        await keyWith(store, { tag }, { name }),
        await keyWith(store, { tag, groups: ["default", tag] }, { name: null }),
        await activeKey(store, { name }),
      ];
      const at = Date.now();
      expect(await idsOf(reader, { at, tag })).toEqual([one.keyId, two.keyId]);
      expect(await idsOf(reader, { at, tag: tag.toUpperCase() })).toEqual([]);
      expect(await idsOf(reader, { at, name })).toEqual([one.keyId, three.keyId]);
      expect(await idsOf(reader, { at, name, tag })).toEqual([one.keyId]);
      expect(await idsOf(reader, { at, group: tag })).toEqual([two.keyId]);
      expect(await idsOf(reader, { at, group: "default", keyIds: [two.keyId, three.keyId] })).toEqual([
        two.keyId,
        three.keyId,
      ]);
      expect(await idsOf(reader, { at, keyIds: [] })).toEqual([]);
      expect(await idsOf(reader, { at, name, status: "disabled" })).toEqual([]);
    });

    it("know a renamed key by its new name, and one in other groups than the default by those", async () => {
      const { store, reader } = open();
      const [old, name, group] = [randomUUID(), randomUUID(), randomUUID()];
      const key = await activeKey(store, { name: old });
      await store.change(key.keyId, versionOf(key, { groups: [group] }, { name }));
      const at = Date.now();
      expect([await idsOf(reader, { at, name: old }), await idsOf(reader, { at, name })]).toEqual([[], [key.keyId]]);
      expect(await idsOf(reader, { at, group: "default", keyIds: [key.keyId] })).toEqual([]);
      expect(await idsOf(reader, { at, group })).toEqual([key.keyId]);
    });

    it("page through what fits", async () => {
      const { store, reader } = open();
      const tag = randomUUID();
      const fitting: KeyRecord[] = [];
      for (let index = 0; index < 5; index += 1) {
        fitting.push(await keyWith(store, { tag }));
        await activeKey(store);
      }
      const ids = sorted(fitting);
      const filter = { at: Date.now(), tag };
      expect(await idsOf(reader, filter, { limit: 2 })).toEqual(ids.slice(0, 2));
      expect(await idsOf(reader, filter, { after: ids[1] ?? 0, limit: 2 })).toEqual(ids.slice(2, 4));
      expect(await idsOf(reader, filter, { after: ids[4] ?? 0 })).toEqual([]);
      expect(await reader.countActive(filter)).toBe(5);
      const listed: number[] = [];
      for await (const group of reader.listActiveIds({ filter, after: ids[2] ?? 0 })) {
        listed.push(...group.map(({ keyId }) => keyId));
      }
      expect(listed).toEqual(ids.slice(3));
    });
  });

  it("lists every active key about which something will become due", async () => {
    const { store, reader } = open();
    const claimed = await claimKey(store);
    const terms = { ...(await activeKey(store)).terms, trafficLimit: 5 };
    const begun = await store.decide(decisionOf(claimed, { begins: { token: "t".repeat(33), terms, outbox: [] } }));
    const due = [
      begun,
      await keyWith(store, { expiresAt: 1_700_000_000 }),
      await keyWith(store, { trafficReset: "day", nextResetAt: 1_900_000_000 }),
      await keyWith(store, { holdFor: 60, holdUntil: 1_900_000_000 }),
    ];
    const hidden = await keyWith(store, { expiresAt: 1_900_000_000 });
    await store.beginDeletion(hidden.keyId, "delete-a");
    const listed: KeyRecord[] = [];
    for await (const group of reader.listDue()) listed.push(...group);
    for (const key of due) expect(listed).toContainEqual(key);
    expect(listed.map(({ keyId }) => keyId)).not.toContain(hidden.keyId);
  });
}
