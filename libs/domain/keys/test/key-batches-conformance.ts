import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { type KeyBatch, type KeyBatches, MOST_BATCH_ERRORS } from "../src/index.ts";

async function* partsOf(...parts: number[][]) {
  yield* parts;
}

/**
 * The promises of a store of changes of many keys.
 *
 * @param open the store; `other` is the same one by another process, where there are several
 */
export function keyBatchesConformance(open: () => { readonly batches: KeyBatches; readonly other: KeyBatches }): void {
  const begin = async (...parts: number[][]): Promise<string> => {
    const job = randomUUID();
    await open().batches.begin({ job, owner: "shop", change: "{}" }, partsOf(...parts));
    return job;
  };
  const found = async (job: string): Promise<KeyBatch> => {
    const batch = await open().other.find(job);
    if (batch === null) throw new Error("there is no batch");
    return batch;
  };
  const soon = () => Math.floor(Date.now() / 1_000) + 60;

  it("knows of no batch that nobody began", async () => {
    expect(await open().batches.find(randomUUID())).toBeNull();
  });

  it("enters a batch once: the second to begin it changes nothing", async () => {
    const job = await begin([1, 2], [3]);
    await open().other.begin({ job, owner: null, change: "other" }, partsOf([9]));
    const begun = { total: 3, parts: 2, next: 0, done: 0, failed: 0, errors: [] };
    expect(await found(job)).toEqual({ job, owner: "shop", change: "{}", ...begun });
    expect(await open().batches.nextPart(await found(job))).toEqual([1, 2]);
  });

  it("keeps the keys of one of two who enter a batch at once", async () => {
    const job = randomUUID();
    const asked = { job, owner: null, change: "{}" };
    const { batches, other } = open();
    await Promise.all([batches.begin(asked, partsOf([1], [2])), other.begin(asked, partsOf([3], [4]))]);
    const batch = await found(job);
    const [first, second] = [await batches.nextPart(batch), await other.nextPart({ ...batch, next: 1 })];
    expect([...first, ...second]).toEqual(first[0] === 1 ? [1, 2] : [3, 4]);
  });

  it("works a batch off part by part, each once", async () => {
    const job = await begin([1, 2], [3]);
    const batch = await found(job);
    const errors = [{ keyId: 2, detail: "not found" }];
    await open().batches.advance(batch, { done: 1, errors });
    await open().other.advance(batch, { done: 1, errors });
    const second = await found(job);
    expect(second).toMatchObject({ next: 1, done: 1, failed: 1, errors });
    expect(await open().other.findUnfinished()).toContain(job);
    expect(await open().batches.nextPart(second)).toEqual([3]);
    await open().batches.advance(second, { done: 1, errors: [] });
    expect(await found(job)).toMatchObject({ next: 2, done: 2, failed: 1 });
    expect(await open().other.findUnfinished()).not.toContain(job);
    expect(await open().batches.nextPart(await found(job))).toEqual([]);
  });

  it("counts all failures and keeps the first of them", async () => {
    const job = await begin([1], [2]);
    const errors = Array.from({ length: MOST_BATCH_ERRORS }, (_, index) => ({ keyId: index, detail: "not found" }));
    await open().batches.advance(await found(job), { done: 0, errors });
    await open().batches.advance(await found(job), { done: 0, errors: [{ keyId: -1, detail: "one too many" }] });
    expect(await found(job)).toMatchObject({ failed: MOST_BATCH_ERRORS + 1, errors });
  });

  it("is done at once with a batch of no keys", async () => {
    const job = await begin();
    expect(await open().batches.findUnfinished()).not.toContain(job);
    expect(await found(job)).toMatchObject({ total: 0, parts: 0 });
  });

  it("forgets what is done and was entered before a moment, nothing else", async () => {
    const [done, under] = [await begin([1]), await begin([1])];
    await open().batches.advance(await found(done), { done: 1, errors: [] });
    await open().batches.drop(soon() - 3_600);
    expect(await open().other.find(done)).not.toBeNull();
    await open().batches.drop(soon());
    expect(await open().other.find(done)).toBeNull();
    expect(await open().batches.nextPart(await found(under))).toEqual([1]);
  });
}
