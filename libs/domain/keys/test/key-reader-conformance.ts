import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Creation, type KeyPage, type KeyReader, type KeyRecord, SEES_ALL } from "../src/index.ts";

const MISSING = 1_999_999;

/** The reader under test, and how keys come to be and go behind it. */
export interface KeyReaderTarget {
  readonly reader: KeyReader;
  addKey(attributes?: Partial<Pick<Creation, "name" | "owner" | "flow">>): Promise<KeyRecord>;
  /** Hides an active key. */
  deleteKey(keyId: number): Promise<void>;
}

/**
 * Registers what the API relies on in a {@link KeyReader}.
 *
 * @param open the reader under test; other keys may be in it already, and each call may give the same one
 */
export function keyReaderConformance(open: () => KeyReaderTarget): void {
  describe("single keys", () => {
    it("finds a key by its id, its UUID and its create job, as soon as it is decided", async () => {
      const { reader, addKey } = open();
      const key = await addKey({ name: "Ключ 🔑", flow: "xtls-rprx-vision" });
      expect(await reader.find(key.keyId)).toEqual(key);
      expect(await reader.findByUuid(key.uuid)).toEqual(key);
      expect(await reader.findByCreateJob(key.job)).toEqual(key);
    });

    it("finds many keys by their UUIDs at once, and none of a UUID that no key has", async () => {
      const { reader, addKey } = open();
      const keys = [await addKey(), await addKey(), await addKey()];
      const asked = Array.from({ length: 50 }, () => keys).flat();
      const found = await Promise.all(asked.map(({ uuid }) => reader.findByUuid(uuid)));
      expect(found).toEqual(asked);
      expect(await Promise.all([randomUUID(), randomUUID()].map((uuid) => reader.findByUuid(uuid)))).toEqual([
        null,
        null,
      ]);
      const late = await addKey();
      expect(await reader.findByUuid(late.uuid)).toEqual(late);
    });

    it("finds a key that is deleted, and says so", async () => {
      const { reader, addKey, deleteKey } = open();
      const { keyId, uuid } = await addKey();
      await deleteKey(keyId);
      expect(await reader.find(keyId)).toMatchObject({ keyId, phase: "deleting" });
      expect(await reader.findByUuid(uuid)).toMatchObject({ keyId, phase: "deleting" });
    });

    it("finds nothing where there is nothing", async () => {
      const { reader } = open();
      expect(await reader.find(MISSING)).toBeNull();
      expect(await reader.findByUuid(randomUUID())).toBeNull();
      expect(await reader.findByCreateJob(`create-${randomUUID()}`)).toBeNull();
    });

    it("leaves out what there is not when it is asked for several", async () => {
      const { reader, addKey } = open();
      const [one, two] = [await addKey(), await addKey()];
      const byId = await reader.findMany([two.keyId, MISSING, one.keyId]);
      expect(new Map(byId)).toEqual(new Map([one, two].map((key) => [key.keyId, key])));
      const byJob = await reader.findByCreateJobs([one.job, `create-${randomUUID()}`, two.job]);
      expect(new Map(byJob)).toEqual(new Map([one, two].map((key) => [key.job, key])));
      expect((await reader.findMany([])).size).toBe(0);
      expect((await reader.findByCreateJobs([])).size).toBe(0);
    });
  });

  describe("lists", () => {
    it("lists active keys whole and in ascending order of their ids", async () => {
      const { reader, addKey, deleteKey } = open();
      const [hidden, shown] = [await addKey(), await addKey({ name: "a" })];
      await deleteKey(hidden.keyId);
      const listed = await all(reader.listActive());
      expect(listed).toContainEqual(shown);
      const ids = listed.map(({ keyId }) => keyId);
      expect(ids).not.toContain(hidden.keyId);
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
      expect(await reader.countActive()).toBe(ids.length);
    });

    it("lists the same ids alone, with their create jobs", async () => {
      const { reader, addKey } = open();
      await addKey();
      const listed = await all(reader.listActive());
      const ids = (await all(reader.listActiveIds())).map(({ keyId, job }) => ({ keyId, job }));
      expect(ids).toEqual(listed.map(({ keyId, job }) => ({ keyId, job })));
    });

    it("lists a part: so many after an id", async () => {
      const { reader, addKey } = open();
      const keys = [await addKey(), await addKey(), await addKey()];
      const [first, second, third] = keys.map(({ keyId }) => keyId);
      const part = async (page: { after?: number; limit?: number }) =>
        (await all(reader.listActive(page))).map(({ keyId }) => keyId);
      expect(await part({ after: (first ?? 0) - 1, limit: 2 })).toEqual([first, second]);
      expect(await part({ after: second ?? 0 })).toEqual([third]);
      expect(await part({ after: third ?? 0 })).toEqual([]);
      expect((await all(reader.listActiveIds({ after: first ?? 0, limit: 1 }))).map(({ keyId }) => keyId)).toEqual([
        second,
      ]);
    });

    it("fills a page with the keys that come after those that are not to be shown", async () => {
      const { reader, addKey } = open();
      const keys = [await addKey(), await addKey(), await addKey(), await addKey(), await addKey()];
      const ids = keys.map(({ keyId }) => keyId);
      const hidden = keys.slice(0, 3).map(({ job }) => job);
      const shows = ({ job }: Pick<KeyRecord, "job">) => !hidden.includes(job);
      const part = async (page: KeyPage) => {
        const [listed, alone] = [await all(reader.listActive(page)), await all(reader.listActiveIds(page))];
        expect(alone.map(({ keyId }) => keyId)).toEqual(listed.map(({ keyId }) => keyId));
        return listed.map(({ keyId }) => keyId);
      };
      const after = (ids[0] ?? 0) - 1;
      expect(await part({ after, limit: 1, shows })).toEqual(ids.slice(3, 4));
      expect(await part({ after, limit: 2, shows })).toEqual(ids.slice(3));
      expect(await part({ after, limit: 3, shows })).toEqual(ids.slice(3));
      expect(await part({ after, shows })).toEqual(ids.slice(3));
    });

    it("counts the active keys by their status and group", async () => {
      const { reader, addKey, deleteKey } = open();
      const before = await reader.summarize({ at: Date.now() });
      const [, hidden] = [await addKey(), await addKey()];
      await deleteKey(hidden.keyId);
      const { byStatus, byGroup } = await reader.summarize({ at: Date.now() });
      expect(byStatus).toEqual({ ...before.byStatus, active: before.byStatus.active + 1 });
      expect(byGroup.get("default")).toBe((before.byGroup.get("default") ?? 0) + 1);
      expect(await reader.countActive()).toBe(Object.values(byStatus).reduce((sum, some) => sum + some, 0));
    });

    it("lists, counts and finds active the keys of an owner alone when that is asked for", async () => {
      const { reader, addKey, deleteKey } = open();
      const [owner, other] = [randomUUID(), randomUUID()];
      const own = [await addKey({ owner }), await addKey({ owner, name: "Ключ" }), await addKey({ owner })];
      const foreign = [await addKey({ owner: other }), await addKey()];
      const [, , hidden] = own;
      if (hidden !== undefined) await deleteKey(hidden.keyId);
      const ids = own.slice(0, 2).map(({ keyId }) => keyId);
      const filter = { at: Date.now(), owner };
      expect(await all(reader.listActive({ filter }))).toEqual(own.slice(0, 2));
      expect((await all(reader.listActiveIds({ filter }))).map(({ keyId }) => keyId)).toEqual(ids);
      expect(
        await all(reader.listActive({ filter: { ...filter, keyIds: foreign.map(({ keyId }) => keyId) } })),
      ).toEqual([]);
      expect(await reader.countActive(filter)).toBe(2);
      const { byStatus, byGroup } = await reader.summarize(filter);
      expect([byStatus.active, byGroup]).toEqual([2, new Map([["default", 2]])]);
      const every = [...own, ...foreign].map(({ keyId }) => keyId);
      expect(await reader.activeAmong(every, { owner })).toEqual(new Set(ids));
      expect(await Promise.all(foreign.map(async ({ keyId }) => (await reader.find(keyId))?.owner))).toEqual([
        other,
        null,
      ]);
    });

    it("says which of few and of many ids are active", async () => {
      const { reader, addKey, deleteKey } = open();
      const [active, hidden] = [await addKey(), await addKey()];
      await deleteKey(hidden.keyId);
      const few = [active.keyId, hidden.keyId, MISSING];
      expect(await reader.activeAmong(few, SEES_ALL)).toEqual(new Set([active.keyId]));
      const many = [...few, ...Array.from({ length: 400 }, (_, index) => MISSING + 1 + index)];
      expect(await reader.activeAmong(many, SEES_ALL)).toEqual(new Set([active.keyId]));
      expect(await reader.activeAmong([], SEES_ALL)).toEqual(new Set());
    });

    it("says which keys are not deleted, of some ids and of all", async () => {
      const { reader, addKey, deleteKey } = open();
      const [active, hidden] = [await addKey({ owner: randomUUID() }), await addKey()];
      await deleteKey(hidden.keyId);
      expect(await reader.keptAmong([active.keyId, hidden.keyId, MISSING])).toEqual(new Set([active.keyId]));
      expect(await reader.keptAmong([])).toEqual(new Set());
      const ids = (await all(reader.listActiveIds())).map(({ keyId }) => keyId);
      expect((await all(reader.listKeptIds())).toSorted((a, b) => a - b)).toEqual(ids);
    });
  });
}

async function all<T>(groups: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const group of groups) items.push(...group);
  return items;
}
