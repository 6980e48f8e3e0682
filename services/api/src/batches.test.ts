import { messages } from "@veil/http-contract";
import { QueueUnavailableError } from "@veil/job-queue";
import { type KeyReader, StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { never } from "../test/in-memory/in-memory-jobs.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";

describe("batches", () => {
  let api: InMemoryApi;

  beforeEach(async () => {
    api = await startInMemoryApi();
  });
  afterEach(async () => {
    await api.close();
  });

  const create = (keys: unknown) => call(api, "post", "/api/keys/batch").send({ keys });
  const remove = (key_ids: unknown) => call(api, "post", "/api/keys/batch-delete").send({ key_ids });
  const submitted = () => api.plane.jobs.submitted.map(({ name }) => name);

  it("creates many keys by one job, in the order of the request", async () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `user_${index}`);
    const { body } = await create(names.map((name) => ({ name }))).expect(200);
    expect(body).toMatchObject({ succeeded: 1_000, failed: 0 });
    expect(body.results.map((one: { key: { name: string } }) => one.key.name)).toEqual(names);
    expect(submitted()).toEqual(["create-keys"]);
  });

  it("answers bad items one by one and does the others", async () => {
    const { body } = await create([{ name: "a\u0000b" }, { name: "good" }, 5, { name: 7 }, {}]).expect(200);
    expect(body).toMatchObject({
      results: [
        { status: "error", detail: "name must not contain control characters" },
        { status: "ok", key: { name: "good", is_active: true } },
        { status: "error", detail: "the body must be a JSON object" },
        { status: "error", detail: "name must be a string or null" },
        { status: "ok", key: { name: null } },
      ],
      succeeded: 2,
      failed: 3,
    });
  });

  it("asks for no job when no item is good", async () => {
    expect((await create([{ name: 1 }]).expect(200)).body).toMatchObject({ succeeded: 0, failed: 1 });
    expect(submitted()).toEqual([]);
  });

  it.each([[undefined], [null], [[]], [{}], ["x"], [Array.from({ length: 1_001 }, () => ({}))]])(
    "refuses a list that is not one of 1 to 1000 items",
    async (items) => {
      expect(answerOf(await create(items))).toEqual(failure(400, "keys must be a list of 1 to 1000 items"));
      expect(answerOf(await remove(items))).toEqual(failure(400, "key_ids must be a list of 1 to 1000 items"));
    },
  );

  it("takes the longest names a thousand times", async () => {
    const escaped = "\\ud83d\\ude00".repeat(255);
    const body = `{"keys":[${Array.from({ length: 1_000 }, () => `{"name":"${escaped}"}`).join(",")}]}`;
    const response = await call(api, "post", "/api/keys/batch").type("json").send(body);
    expect(response.body).toMatchObject({ succeeded: 1_000 });
  });

  it("deletes by id and UUID, and answers for what is not there", async () => {
    const one = api.plane.addKey();
    const two = api.plane.addKey({ name: "two" });
    const { body } = await remove([one.keyId, 999, two.uuid.toUpperCase(), "x", one.uuid, -1]).expect(200);
    expect(body).toMatchObject({
      results: [
        { status: "ok", key: { key_id: one.keyId, is_active: false } },
        { status: "error", detail: "Key with id 999 not found" },
        { status: "ok", key: { name: "two", is_active: false } },
        { status: "error", detail: expect.stringContaining("key_id must be") },
        { status: "error", detail: `Key with id ${one.uuid} not found` },
        { status: "error", detail: expect.stringContaining("key_id must be") },
      ],
      succeeded: 2,
      failed: 4,
    });
    expect(submitted()).toEqual(["delete-keys"]);
  });

  it("looks in MongoDB when no worker answers, and cancels what is not there by one job", async () => {
    api.plane.jobs.scripts["create-keys"] = (_payload, jobId) => {
      api.plane.addKey({ keyId: 7, job: `${jobId}-1` });
      return never();
    };
    const { body } = await create([{}, {}, {}]).expect(200);
    const late = { status: "error", detail: "Failed to create key: timed out" };
    expect(body.results).toEqual([late, { status: "ok", key: expect.objectContaining({ key_id: 7 }) }, late]);
    expect(submitted()).toEqual(["create-keys", "cancel-creations"]);
    const { jobId, payload } = api.plane.jobs.submitted[1] ?? { jobId: "", payload: null };
    const batch = jobId.replace(/^cancel-/, "");
    expect(payload).toMatchObject({ jobs: [`${batch}-0`, `${batch}-2`] });
  });

  it("says nothing at all when it can't tell what became of the items", async () => {
    api.plane.jobs.scripts["create-keys"] = () => {
      api.plane.beforeRead = () => Promise.reject(new StoreUnavailableError(new Error("away")));
      api.plane.jobs.beforeSubmit = () => Promise.reject(new QueueUnavailableError(false, new Error("away")));
      return never();
    };
    await expect(create([{}])).rejects.toThrow(/socket hang up/);
  });

  it("resolves deletions by their deleter when no worker answers", async () => {
    const [gone, hidden, stays, other] = Array.from({ length: 4 }, () => api.plane.addKey());
    if (!(gone && hidden && stays && other)) throw new Error("there are no keys");
    api.plane.jobs.scripts["delete-keys"] = (_payload, jobId) => {
      api.plane.keys.set(gone.keyId, { ...gone, phase: "gone", deleter: `${jobId}-0` });
      api.plane.keys.set(hidden.keyId, { ...hidden, phase: "deleting", deleter: `${jobId}-1` });
      api.plane.keys.set(other.keyId, { ...other, phase: "deleting", deleter: "delete-other" });
      return never();
    };
    const { body } = await remove([gone.keyId, hidden.keyId, stays.keyId, other.keyId]).expect(200);
    expect(body.results).toMatchObject([
      { status: "ok" },
      { status: "error", detail: "Failed to delete key: deletion accepted; removal from Xray pending" },
      { status: "error", detail: "Failed to delete key: timed out" },
      { status: "error", detail: `Key with id ${other.keyId} not found` },
    ]);
  });

  it("tells of the others where no worker answers and the record of a key makes no sense by then", async () => {
    const [gone, damaged] = [api.plane.addKey(), api.plane.addKey()];
    const { find } = api.plane.keyReader;
    const refuse = () => Promise.reject(new UnreadableRecordError("keys: the document 2 makes no sense"));
    api.plane.jobs.scripts["delete-keys"] = (_payload, jobId) => {
      api.plane.keys.set(gone.keyId, { ...gone, phase: "gone", deleter: `${jobId}-0` });
      const reader: Partial<KeyReader> = {
        find: (keyId) => (keyId === damaged.keyId ? refuse() : find(keyId)),
        findMany: refuse,
      };
      Object.assign(api.plane.keyReader, reader);
      return never();
    };
    const { body } = await remove([gone.keyId, damaged.keyId]).expect(200);
    const detail = "Failed to delete key: its record can't be read: it may have been done";
    expect(body.results).toMatchObject([{ status: "ok" }, { status: "error", detail }]);
  });

  it("deletes the others where the record of a key makes no sense, named by id or by UUID", async () => {
    const [one, damaged, other] = [api.plane.addKey(), api.plane.addKey(), api.plane.addKey()];
    const { find, findMany, findByUuid } = api.plane.keyReader;
    const failing = new UnreadableRecordError("of a newer version");
    const reader: Partial<KeyReader> = {
      find: (keyId) => (keyId === damaged.keyId ? Promise.reject(failing) : find(keyId)),
      findMany: (keyIds) => (keyIds.includes(damaged.keyId) ? Promise.reject(failing) : findMany(keyIds)),
      findByUuid: (uuid) => (uuid === damaged.uuid ? Promise.reject(failing) : findByUuid(uuid)),
    };
    Object.assign(api.plane.keyReader, reader);
    const asked = [one.keyId, damaged.keyId, damaged.uuid, other.keyId];
    const { body } = await remove(asked).expect(200);
    const unread = { status: "error", detail: messages.recordUnreadable };
    expect(body).toMatchObject({
      results: [{ status: "ok" }, unread, unread, { status: "ok" }],
      succeeded: 2,
      failed: 2,
    });
    expect(answerOf(await call(api, "delete", `/api/keys/${damaged.keyId}`))).toEqual(
      failure(500, messages.recordUnreadable),
    );
  });

  it.each(["batch", "batch-delete"])("answers 503 to %s while Redis is away", async (path) => {
    const { keyId } = api.plane.addKey();
    api.plane.jobs.beforeSubmit = () => Promise.reject(new QueueUnavailableError(false, new Error("away")));
    const response = await call(api, "post", `/api/keys/${path}`).send({ keys: [{}], key_ids: [keyId] });
    expect(answerOf(response)).toEqual(failure(503, /the job queue is unavailable$/));
  });
});
