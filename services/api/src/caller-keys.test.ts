import { firstTerms } from "@veil/keys";
import { beforeEach, describe, expect, it } from "vitest";
import { InMemoryPlane } from "../test/in-memory/in-memory-plane.ts";
import { callerKeys } from "../test/in-memory/request-scope.ts";
import type { CallerKeys } from "./caller-keys.ts";

const EXTERNAL_ID = "tg-1";
const IDS = [1, 2, 3, 4];
let plane: InMemoryPlane;

/** Two keys of `shop`, one of another owner and one of nobody; three have the same external id. */
beforeEach(() => {
  plane = new InMemoryPlane();
  for (const [index, owner] of ["shop", "bazaar", null, "shop"].entries()) {
    const keyId = index + 1;
    const externalId = keyId === 4 ? null : EXTERNAL_ID;
    const terms = firstTerms({ externalId }, { createdAt: 1, nextResetAt: null });
    plane.addKey({ keyId, owner, job: `create-${keyId}`, uuid: `uuid-${keyId}`, terms });
  }
});

const idsOf = async (groups: AsyncIterable<readonly (number | { readonly keyId: number })[]>) => {
  const ids: number[] = [];
  for await (const group of groups) ids.push(...group.map((one) => (typeof one === "number" ? one : one.keyId)));
  return ids;
};
const foundBy = async (find: (id: number) => Promise<{ readonly keyId: number } | null>) =>
  (await Promise.all(IDS.map(find))).flatMap((key) => (key === null ? [] : [key.keyId]));
const jobs = IDS.map((id) => `create-${id}`);
const list = { at: 0, keyIds: IDS };

/** The keys that each way of reading finds among all; the compiler refuses a way that is missing. */
const reads: { readonly [Way in Exclude<keyof CallerKeys, "owner">]: (keys: CallerKeys) => Promise<number[]> } = {
  find: (keys) => foundBy((id) => keys.find(id)),
  findMany: async (keys) => [...(await keys.findMany(IDS)).keys()],
  findByUuid: (keys) => foundBy((id) => keys.findByUuid(`uuid-${id}`)),
  findByCreateJob: (keys) => foundBy((id) => keys.findByCreateJob(`create-${id}`)),
  findByCreateJobs: async (keys) => [...(await keys.findByCreateJobs(jobs)).values()].map(({ keyId }) => keyId),
  listActive: async (keys) => {
    const [whole, some] = [await idsOf(keys.listActive()), await idsOf(keys.listActive({ filter: list }))];
    expect(some).toEqual(whole);
    return whole;
  },
  listActiveIds: (keys) => idsOf(keys.listActiveIds()),
  activeAmong: async (keys) => [...(await keys.activeAmong(IDS))],
  countAmong: async (keys) => {
    const ids = await idsOf(keys.listActive());
    // Of keys that there are: one that sees all counts what it is given.
    expect(await keys.countAmong([1, 2, 3, 4])).toBe(ids.length);
    return ids;
  },
  countActive: async (keys) => {
    const counts = [await keys.countActive(), await keys.countActive(list)];
    const ids = await idsOf(keys.listActive());
    expect(counts).toEqual([ids.length, ids.length]);
    return ids;
  },
  summarize: async (keys) => {
    const { byStatus, byGroup } = await keys.summarize();
    const ids = await idsOf(keys.listActive());
    expect([byStatus.active, byGroup.get("default") ?? 0]).toEqual([ids.length, ids.length]);
    return ids;
  },
  filterOf: async (keys) => {
    const filter = await keys.filterOf({ online: true }, async () => IDS);
    return idsOf(plane.keyReader.listActive({ filter }));
  },
  findByExternalId: async (keys) => {
    const found = await keys.findByExternalId(EXTERNAL_ID);
    const filter = await keys.filterOf({ externalId: EXTERNAL_ID }, async () => []);
    expect(filter.keyIds).toEqual(found === null ? [] : [found.keyId]);
    return filter.keyIds === undefined ? [] : [...filter.keyIds];
  },
};

describe.each(Object.entries(reads))("%s", (way, read) => {
  const isOfOneId = way === "findByExternalId";

  it("finds the keys of the caller's owner", async () => {
    expect(await read(callerKeys(plane, "shop"))).toEqual(isOfOneId ? [1] : [1, 4]);
    expect(await read(callerKeys(plane, "bazaar"))).toEqual([2]);
  });

  it("finds nothing for who has none", async () => {
    expect(await read(callerKeys(plane, "other"))).toEqual([]);
    expect(await read(callerKeys(plane, ""))).toEqual([]);
  });

  it("finds all for who has no owner, and by external id what is nobody's", async () => {
    expect(await read(callerKeys(plane))).toEqual(isOfOneId ? [3] : IDS);
  });
});
