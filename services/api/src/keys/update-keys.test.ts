import { Readable } from "node:stream";
import { firstTerms, UnreadableRecordError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { finished, never } from "../../test/in-memory/in-memory-jobs.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

const CREATED_AT = 1_703_520_000;
const EXPIRES_AT = 4_000_000_000;

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
  for (const tag of ["paid", "paid", null]) {
    const terms = firstTerms({ tag, expiresAt: EXPIRES_AT }, { createdAt: CREATED_AT, nextResetAt: null });
    api.plane.addKey({ createdAt: CREATED_AT, terms });
  }
});
afterEach(async () => {
  await api.close();
});

const update = (body: object) => call(api, "post", "/api/keys/batch-update").send(body);
const jobOf = (jobId: string) => call(api, "get", `/api/jobs/${jobId}`);
const endsOf = () => [...api.plane.keys.values()].map(({ terms }) => terms.expiresAt);

describe("POST /api/keys/batch-update", () => {
  it("answers 202 with the job, which tells how far it is", async () => {
    const answer = await update({ filter: { tag: "paid" }, extend: { days: 1 }, set: { note: "more" } });
    const jobId: string = answer.body.job_id;
    expect(answerOf(answer)).toEqual({ status: 202, body: { job_id: expect.any(String), status: "queued" } });
    expect(answer.headers).toMatchObject({ location: `/api/jobs/${jobId}`, "retry-after": "1" });
    const job = await jobOf(jobId).expect(200);
    expect(job.body).toEqual({ job_id: jobId, status: "succeeded", total: 2, done: 2, failed: 0, errors: [] });
    expect(endsOf()).toEqual([EXPIRES_AT + 86_400, EXPIRES_AT + 86_400, EXPIRES_AT]);
  });

  it("changes keys by their ids, and names those that it can't change", async () => {
    const { body } = await update({ key_ids: [1, 99], set: { enabled: false } }).expect(202);
    const job = await jobOf(body.job_id);
    expect(job.body).toMatchObject({ total: 2, done: 1, failed: 1, errors: [{ key_id: 99 }] });
    expect(api.plane.keys.get(1)?.terms.enabled).toBe(false);
  });

  it.each([
    [{ reset_traffic: true }, { resetTraffic: true, resetDevices: false }],
    [
      { note: "x", reset_traffic: true, reset_devices: true },
      { set: { note: "x" }, resetTraffic: true, resetDevices: true },
    ],
    [
      { note: "x", reset_traffic: false },
      { resetTraffic: false, resetDevices: false },
    ],
  ])("does what a PATCH of %j does", async (set, change) => {
    await update({ key_ids: [1], set }).expect(202);
    expect(api.plane.jobs.submitted).toMatchObject([{ name: "update-keys", payload: { change } }]);
  });

  it("changes all keys when that is asked for", async () => {
    const { body } = await update({ filter: { all: true }, reset_traffic: true }).expect(202);
    expect((await jobOf(body.job_id)).body).toMatchObject({ total: 3, done: 3 });
  });

  it("does once what is sent twice under one Idempotency-Key, and answers the same with respond-async", async () => {
    const send = () =>
      update({ filter: { all: true }, extend: { seconds: 10 } })
        .set("Idempotency-Key", "renewal")
        .set("Prefer", "respond-async");
    const [first, second] = [await send().expect(202), await send().expect(202)];
    expect(second.body).toEqual(first.body);
    expect(endsOf()).toEqual([EXPIRES_AT + 10, EXPIRES_AT + 10, EXPIRES_AT + 10]);
  });

  it.each([
    [{}, /^name either key_ids or filter/],
    [{ filter: {}, extend: { days: 1 } }, /^filter must name something/],
    [{ key_ids: [1], filter: { all: true }, extend: { days: 1 } }, /^name either key_ids or filter/],
    [{ filter: { all: false }, extend: { days: 1 } }, /^all must be true/],
    [{ filter: { owner: "me" }, extend: { days: 1 } }, /^filter must name something/],
    [{ filter: { status: "gone" }, extend: { days: 1 } }, /^status must be one of/],
    [{ key_ids: [1] }, /^name what is to be done/],
    [{ key_ids: [1], set: {} }, /^name what is to be done/],
    [{ key_ids: [], set: { tag: "x" } }, /^key_ids must be a list of 1 to 10000/],
    [{ key_ids: Array.from({ length: 10_001 }, () => 1), set: { tag: "x" } }, /^key_ids must be a list/],
    [{ key_ids: [1], set: { external_id: "x" } }, /external_id/],
    [{ key_ids: [1], set: { reset_devices: 1 } }, /^reset_devices must be true or false/],
    [{ key_ids: [1], set: { traffic_limit: -1 } }, /^traffic_limit must be/],
    [{ key_ids: [1], extend: { days: 1, seconds: 1 } }, /^name either days or seconds/],
  ])("refuses %j", async (body, detail) => {
    expect(answerOf(await update(body))).toEqual(failure(400, detail));
    expect(api.plane.jobs.submitted).toEqual([]);
  });

  it("takes 10,000 ids", async () => {
    const key_ids = Array.from({ length: 10_000 }, (_, index) => 9_007_199_254_740_991 - index);
    await update({ key_ids, set: { tag: "x" } }).expect(202);
  });

  it("is queued until the keys are found out, and failed when they never are", async () => {
    api.plane.jobs.scripts["update-keys"] = () => never();
    const { body } = await update({ key_ids: [1], set: { tag: "x" } }).expect(202);
    expect((await jobOf(body.job_id)).body).toEqual({ job_id: body.job_id, status: "queued" });
    api.plane.jobs.scripts["update-keys"] = () => finished<"update-keys">({ outcome: "begun" });
    const { body: other } = await update({ key_ids: [1], set: { tag: "x" } }).expect(202);
    expect((await jobOf(other.job_id)).body).toMatchObject({ status: "failed", detail: expect.any(String) });
  });

  describe("of a record that makes no sense", () => {
    const refuse = () => Promise.reject(new UnreadableRecordError("key_batches: the document makes no sense"));
    const begin = async (change: string) => {
      const { body } = await update({ key_ids: [1], set: { tag: "x" } }).expect(202);
      const jobId: string = body.job_id;
      api.plane.batches.batches.delete(jobId);
      await api.plane.batches.begin({ job: jobId, owner: null, change }, Readable.from([[1], [2]]));
      const begun = await api.plane.batches.find(jobId);
      if (begun !== null) await api.plane.batches.advance(begun, { done: 1, errors: [] });
      return jobId;
    };
    const figures = { total: 2, done: 1, failed: 0, errors: [] };

    it("says so, with what was done", async () => {
      const detail = expect.stringMatching(/^the record of this job can't be read: the keys that are left/);
      for (const change of ["{", JSON.stringify({ set: "of a newer version" })]) {
        const jobId = await begin(change);
        expect((await jobOf(jobId).expect(200)).body).toEqual({ job_id: jobId, status: "failed", detail, ...figures });
      }
      const jobId = await begin(JSON.stringify({ set: {} }));
      expect((await jobOf(jobId).expect(200)).body).toEqual({ job_id: jobId, status: "running", ...figures });
      api.plane.batches.nextPart = refuse;
      expect((await jobOf(jobId).expect(200)).body).toEqual({ job_id: jobId, status: "failed", detail, ...figures });
    });

    it("says so where nothing else is known", async () => {
      const jobId = await begin(JSON.stringify({ set: {} }));
      api.plane.batches.find = refuse;
      const detail = "the record of this job can't be read";
      expect((await jobOf(jobId).expect(200)).body).toEqual({ job_id: jobId, status: "failed", detail });
    });
  });

  it("knows no job that was never asked for", async () => {
    expect(answerOf(await jobOf("update-batch-1"))).toEqual(failure(404, "Job with id update-batch-1 not found"));
  });
});
