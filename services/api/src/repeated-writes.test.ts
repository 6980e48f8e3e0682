import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { finished, never } from "../test/in-memory/in-memory-jobs.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";
import { WriteRecordsUnavailableError } from "./errors.ts";

describe("writes under an Idempotency-Key", () => {
  let api: InMemoryApi;

  beforeEach(async () => {
    api = await startInMemoryApi();
  });
  afterEach(async () => {
    await api.close();
  });

  const create = (key: string, body: object = { name: "user" }, to: Pick<InMemoryApi, "baseUrl" | "secret"> = api) =>
    call({ ...api, ...to }, "post", "/api/keys")
      .set("Idempotency-Key", key)
      .send(body);
  const submitted = () => api.plane.jobs.submitted.map(({ name }) => name);
  /** Leaves behind what a killed API does: its lead, and no answer. */
  const abandonAll = () => {
    for (const write of api.records.writes.values()) Object.assign(write, { leader: "dead", leaseUntil: 0 });
  };

  it("gives the first answer to every repeat, and says so", async () => {
    const first = await create("a").expect(200);
    expect(first.headers["idempotency-replayed"]).toBeUndefined();
    const second = await create("a").expect(200);
    expect(second.body).toEqual(first.body);
    expect(second.headers["idempotency-replayed"]).toBe("true");
    expect(api.plane.keys.size).toBe(1);
  });

  it("makes one key of many requests at once", async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const make = api.plane.jobs.scripts["create-key"];
    api.plane.jobs.scripts["create-key"] = async (payload, job) => {
      await held;
      return make(payload, job);
    };
    const running = Array.from({ length: 10 }, () => create("a").then((response) => response));
    await expect.poll(() => api.records.writes.size).toBe(1);
    release();
    const answers = await Promise.all(running);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers["idempotency-replayed"] === undefined)).toHaveLength(1);
    expect(submitted()).toEqual(["create-key"]);
  });

  it("begins a job anew that failed though its change stands, once for each repeat, and not for who only asks", async () => {
    const { body: key } = await create("a").expect(200);
    const reason = "key 1 is being changed by another process";
    const apply = api.plane.jobs.scripts["change-key"];
    api.plane.jobs.scripts["change-key"] = async (payload, job) => {
      await apply(payload, job);
      return { state: "failed", reason };
    };
    const change = () =>
      call(api, "patch", `/api/keys/${key.key_id}`).set("Idempotency-Key", "b").send({ note: "paid" });
    const unfollowed = failure(503, "Failed to change key: the change stands; Xray has not followed yet");
    expect(answerOf(await change())).toEqual(unfollowed);
    expect(answerOf(await change())).toEqual(unfollowed);
    expect(api.plane.jobs.retried).toHaveLength(1);
    api.plane.jobs.scripts["change-key"] = apply;
    expect((await change().expect(200)).body).toMatchObject({ note: "paid" });
    expect(api.plane.jobs.retried).toHaveLength(2);
    expect(submitted()).toEqual(["create-key", "change-key"]);
  });

  it("takes fields in another order for the same body, and another body for another request", async () => {
    await create("a", { name: "x", extra: [1, { b: 2, c: 3 }] }).expect(200);
    await create("a", { extra: [1, { c: 3, b: 2 }], name: "x" }).expect(200);
    const detail = "Idempotency-Key was used before with another request";
    expect(answerOf(await create("a", { name: "y" }))).toEqual(failure(422, detail));
    await call(api, "post", "/api/keys?try=2")
      .set("Idempotency-Key", "a")
      .send({ name: "x", extra: [1, { b: 2, c: 3 }] })
      .expect(200);
    expect(answerOf(await call(api, "post", "/api/traffic/sync").set("Idempotency-Key", "a"))).toEqual(failure(422));
    expect(api.plane.keys.size).toBe(1);
  });

  it("keeps the keys of two secrets apart", async () => {
    const secrets = ["first-secret-of-32-characters-0001", "second-secret-of-32-characters-002"];
    const known = secrets.map((token) => ({ name: null, tokens: [token] as const, readOnly: false }));
    const other = await startInMemoryApi({ secrets: () => known });
    for (const secret of secrets) await create("a", {}, { baseUrl: other.baseUrl, secret }).expect(200);
    expect(other.plane.keys.size).toBe(2);
    await other.close();
  });

  it.each(["", " ", "two words", "é", "x".repeat(256)])("refuses the key %j", async (key) => {
    const response = await fetch(`${api.baseUrl}/api/keys`, {
      method: "POST",
      headers: [
        ["Authorization", `Bearer ${api.secret}`],
        ["Idempotency-Key", key],
      ],
    });
    expect(response.status).toBe(400);
  });

  it("gives the worker's 404 again", async () => {
    api.plane.addKey({ keyId: 5 });
    const work = api.plane.jobs.scripts["delete-key"];
    api.plane.jobs.scripts["delete-key"] = () => finished<"delete-key">({ outcome: "not-found" });
    const remove = () => call(api, "delete", "/api/keys/5").set("Idempotency-Key", "d");
    expect(answerOf(await remove())).toEqual(failure(404, "Key with id 5 not found"));
    api.plane.jobs.scripts["delete-key"] = work;
    const again = await remove();
    expect(answerOf(again)).toEqual(failure(404, "Key with id 5 not found"));
    expect(again.headers["idempotency-replayed"]).toBe("true");
  });

  it("keeps nothing of a request that asked nothing of the queue, and carries a repeat out anew", async () => {
    const remove = () => call(api, "delete", "/api/keys/5").set("Idempotency-Key", "d");
    const refused = () =>
      call(api, "post", "/api/keys/batch")
        .set("Idempotency-Key", "b")
        .send({ keys: [{ name: 5 }] });
    expect(answerOf(await remove())).toEqual(failure(404, "Key with id 5 not found"));
    const first = await refused().expect(200);
    expect((await refused()).body).toEqual(first.body);
    expect(api.records.writes.size).toBe(0);
    api.plane.addKey({ keyId: 5 });
    await remove().expect(200);
    expect([...api.records.writes.values()].map(({ request }) => request)).toEqual([""]);
  });

  it("answers all of many such requests at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        call(api, "post", "/api/keys/batch")
          .set("Idempotency-Key", "b")
          .send({ keys: [{ name: 5 }] }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  it("does not stumble over a leader that found nothing to do", async () => {
    const forget = api.records.forget.bind(api.records);
    const join = api.records.join.bind(api.records);
    let joined = 0;
    let followed: () => void = () => undefined;
    const hasFollower = new Promise<void>((resolve) => {
      followed = resolve;
    });
    api.records.join = async (...asked) => {
      const place = await join(...asked);
      joined += 1;
      if (joined === 2) followed();
      return place;
    };
    let forgotten: () => void = () => undefined;
    const isForgotten = new Promise<void>((resolve) => {
      forgotten = resolve;
    });
    api.records.forget = async (...asked) => {
      await hasFollower;
      await forget(...asked);
      forgotten();
    };
    const complete = api.records.complete.bind(api.records);
    api.records.complete = async (...asked) => {
      await isForgotten;
      return complete(...asked);
    };
    const remove = () => call(api, "delete", "/api/keys/5").set("Idempotency-Key", "d");
    const answers = await Promise.all([remove(), remove()]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    expect(joined).toBe(3);
    expect(api.records.writes.size).toBe(0);
  });

  it("gives the worker's refusal again", async () => {
    const make = api.plane.jobs.scripts["create-key"];
    api.plane.jobs.scripts["create-key"] = () => finished<"create-key">({ outcome: "failed", detail: "Xray refused" });
    await create("a").expect(500);
    api.plane.jobs.scripts["create-key"] = make;
    expect(answerOf(await create("a"))).toEqual(failure(500, "Failed to create key: Xray refused"));
  });

  it("tries anew, under another job, after an error that left nothing behind", async () => {
    const make = api.plane.jobs.scripts["create-key"];
    api.plane.jobs.scripts["create-key"] = () => never();
    await create("a").expect(500);
    api.plane.jobs.scripts["create-key"] = make;
    const again = await create("a").expect(200);
    expect(again.headers["idempotency-replayed"]).toBeUndefined();
    expect(submitted()).toEqual(["create-key", "cancel-creation", "create-key"]);
    expect(new Set(api.plane.jobs.submitted.map(({ jobId }) => jobId)).size).toBe(3);
    expect([...api.plane.keys.values()].filter(({ phase }) => phase === "active")).toHaveLength(1);
  });

  it("joins the job of an API that died before its answer", async () => {
    const first = await create("a").expect(200);
    for (const write of api.records.writes.values()) Object.assign(write, { state: "running", outcome: null });
    abandonAll();
    const again = await create("a").expect(200);
    expect(again.body).toEqual(first.body);
    expect(submitted()).toEqual(["create-key"]);
  });

  it("completes what a dead API left without a result, and makes the key by the same request", async () => {
    const make = api.plane.jobs.scripts["create-key"];
    api.plane.jobs.scripts["create-key"] = () => {
      abandonAll();
      api.plane.jobs.scripts["create-key"] = make;
      return never();
    };
    const [, second] = await Promise.all([create("a").catch(() => null), create("a")]);
    expect([200, 500]).toContain(second.status);
    expect((await create("a")).status).toBe(200);
    expect([...api.plane.keys.values()].filter(({ phase }) => phase === "active")).toHaveLength(1);
  });

  it("takes no worker's word for a creation that an API cancelled before it died", async () => {
    const first = await create("a").expect(200);
    for (const write of api.records.writes.values()) Object.assign(write, { state: "running", outcome: null });
    abandonAll();
    api.plane.jobs.scripts["cancel-creation"] = () => never();
    const jobId = api.plane.jobs.submitted[0]?.jobId ?? "";
    api.plane.jobs.run("cancel-creation", `cancel-${jobId}`, { job: jobId, request_id: "" });
    const again = await create("a").expect(200);
    expect(again.body.key_id).not.toBe(first.body.key_id);
    expect(submitted()).toEqual(["create-key", "cancel-creation", "create-key"]);
  });

  it("waits for one that resolves the outcome as long as that one may take, and takes over from it then", async () => {
    const first = await create("a").expect(200);
    const leaseUntil = Date.now() + 300;
    for (const write of api.records.writes.values())
      Object.assign(write, { state: "resolving", leader: "dead", outcome: null, leaseUntil });
    // Of what became of it nothing is said: the connection is closed.
    await expect(create("a").then(({ status }) => status)).rejects.toThrow("socket hang up");
    expect(Date.now()).toBeGreaterThanOrEqual(leaseUntil);
    expect((await create("a").expect(200)).body).toEqual(first.body);
  });

  it("deletes once although the API died in between", async () => {
    const { keyId } = api.plane.addKey();
    const remove = () => call(api, "delete", `/api/keys/${keyId}`).set("Idempotency-Key", "d");
    await remove().expect(200);
    for (const write of api.records.writes.values()) Object.assign(write, { state: "running", outcome: null });
    abandonAll();
    expect((await remove().expect(200)).body.message).toBe(`Key ${keyId} deleted successfully`);
  });

  it("gives the first answer of a batch again, with all its items", async () => {
    const batch = () =>
      call(api, "post", "/api/keys/batch")
        .set("Idempotency-Key", "b")
        .send({ keys: [{}, { name: 5 }, {}] });
    const first = await batch().expect(200);
    expect((await batch()).body).toEqual(first.body);
    expect(api.plane.keys.size).toBe(2);
  });

  it("answers 503 while Redis is away, and does nothing", async () => {
    api.records.beforeStep = () => Promise.reject(new WriteRecordsUnavailableError());
    const response = await create("a");
    expect(answerOf(response)).toEqual(failure(503, "Idempotency-Key can't be honored at the moment"));
    expect(response.headers["retry-after"]).toBe("5");
    expect(submitted()).toEqual([]);
  });

  it("answers what it knows when Redis went away meanwhile", async () => {
    const make = api.plane.jobs.scripts["create-key"];
    api.plane.jobs.scripts["create-key"] = (payload, job) => {
      api.records.beforeStep = () => Promise.reject(new WriteRecordsUnavailableError());
      return make(payload, job);
    };
    const first = await create("a").expect(200);
    api.records.beforeStep = async () => undefined;
    abandonAll();
    expect((await create("a")).body).toEqual(first.body);
  });
});

describe("writes that are answered later", () => {
  let api: InMemoryApi;

  beforeEach(async () => {
    api = await startInMemoryApi();
  });
  afterEach(async () => {
    await api.close();
  });

  /** The writes as an API leaves them that died before it stored an outcome. */
  const undoAll = (lead: { readonly leaseUntil: number }) => {
    for (const write of api.records.writes.values()) {
      const request = JSON.stringify({ operation: "createKey", raw: { params: {} } });
      Object.assign(write, { state: "running", outcome: null, leader: "dead", request, ...lead });
    }
  };
  const later = (method: "post" | "patch" | "delete", path: string) =>
    call(api, method, path).set("Prefer", "wait=5, respond-async");
  const ask = (location: string | undefined) => call(api, "get", location ?? "");

  it("are answered 202 and tell what became of them", async () => {
    const accepted = await later("post", "/api/keys").send({ name: "later" }).expect(202);
    expect(accepted.body).toEqual({ job_id: expect.any(String), status: "queued" });
    expect(accepted.headers["location"]).toBe(`/api/jobs/${accepted.body.job_id}`);
    expect(accepted.headers["preference-applied"]).toBe("respond-async");
    expect(accepted.headers["retry-after"]).toBe("1");
    await expect
      .poll(async () => (await ask(accepted.headers["location"])).body)
      .toMatchObject({
        job_id: accepted.body.job_id,
        status: "succeeded",
        result: { name: "later", is_active: true },
      });
  });

  it("fail at once when that is known at once", async () => {
    expect(answerOf(await later("delete", "/api/keys/9"))).toEqual(failure(404, "Key with id 9 not found"));
  });

  it("tell that they wait, and why they failed", async () => {
    api.plane.jobs.scripts["create-key"] = () => never();
    const accepted = await later("post", "/api/keys").expect(202);
    expect((await ask(accepted.headers["location"])).body.status).toBe("queued");
    await expect
      .poll(async () => (await ask(accepted.headers["location"])).body)
      .toEqual({
        job_id: accepted.body.job_id,
        status: "failed",
        detail: "Failed to create key: timed out",
      });
  });

  it("are completed by who asks when the API that took them died", async () => {
    const accepted = await later("post", "/api/keys").expect(202);
    await expect.poll(async () => (await ask(accepted.headers["location"])).body.status).toBe("succeeded");
    undoAll({ leaseUntil: 0 });
    expect((await ask(accepted.headers["location"])).body).toMatchObject({ status: "succeeded" });
    expect(api.plane.keys.size).toBe(1);
  });

  it("tell what became of them before they are complete, when the API that took them died", async () => {
    const accepted = await later("post", "/api/keys").expect(202);
    await expect.poll(async () => (await ask(accepted.headers["location"])).body.status).toBe("succeeded");
    undoAll({ leaseUntil: Number.POSITIVE_INFINITY });
    expect((await ask(accepted.headers["location"])).body).toMatchObject({ status: "succeeded" });
    expect(api.plane.keys.size).toBe(1);
  });

  it("are said to run while somebody resolves what became of them, and stand once they were said to be done", async () => {
    const accepted = await later("post", "/api/keys").expect(202);
    const status = async () => (await ask(accepted.headers["location"])).body.status;
    await expect.poll(status).toBe("succeeded");
    undoAll({ leaseUntil: Number.POSITIVE_INFINITY });
    for (const write of api.records.writes.values()) Object.assign(write, { state: "resolving" });
    expect(await status()).toBe("running");
    for (const write of api.records.writes.values()) Object.assign(write, { state: "running" });
    expect(await status()).toBe("succeeded");
    const id = [...api.records.writes.keys()].join();
    expect(await api.records.claimOutcome(id, "dead", 1, 1_000)).toMatchObject({ state: "completed" });
  });

  it.each([
    ["patch", "/api/keys/5", { "If-Match": '"3-5"' }, { if_revision: 3 }],
    ["delete", "/api/nodes/main?force=true", {}, { force: true }],
  ] as const)("are completed as they were sent, with If-Match and the query: %s %s", async (...sample) => {
    const [method, path, headers, payload] = sample;
    api.plane.addKey({ keyId: 5 });
    const [change, remove] = ["change-key", "delete-node"] as const;
    api.plane.jobs.scripts[change] = () => never();
    api.plane.jobs.scripts[remove] = () => never();
    await later(method, path).set(headers).send({ note: "paid" }).expect(202);
    // Another one, whose API died before it had submitted the job.
    const [sent] = api.records.writes.values();
    api.records.writes.clear();
    if (sent !== undefined) api.records.writes.set("later-j2", { ...sent, leader: "dead", leaseUntil: 0 });
    await ask("/api/jobs/j2");
    expect(api.plane.jobs.submitted[1]?.payload).toMatchObject(payload);
  });

  it("have more time than those that are waited for", async () => {
    const longestWaitMs = 500;
    const before = Date.now();
    await later("post", "/api/keys").expect(202);
    const hasMore = (deadline: number) => deadline > before + longestWaitMs;
    expect(api.plane.jobs.submitted).toMatchObject([{ payload: { deadline: expect.toSatisfy(hasMore) } }]);
  });

  it("give the same job to a repeat under an Idempotency-Key", async () => {
    const send = () => later("post", "/api/keys").set("Idempotency-Key", "a");
    const first = await send().expect(202);
    const again = await send().expect(202);
    expect(again.body).toEqual(first.body);
    expect(again.headers["location"]).toBe(first.headers["location"]);
    expect(again.headers["idempotency-replayed"]).toBe("true");
    await expect.poll(() => api.plane.keys.size).toBe(1);
  });

  it("keep their request until they are complete", async () => {
    const stored = () => [...api.records.writes.values()].map(({ request }) => request);
    api.plane.jobs.scripts["create-key"] = () => never();
    await later("post", "/api/keys").send({ name: "later" }).expect(202);
    expect(stored()).toEqual([expect.stringContaining("later")]);
    await expect.poll(stored).toEqual([""]);
  });

  it("tell of a batch of which nothing was asked of the queue, also to a repeat", async () => {
    const send = () =>
      later("post", "/api/keys/batch")
        .set("Idempotency-Key", "r")
        .send({ keys: [{ name: 5 }] });
    const accepted = await send().expect(202);
    expect((await send().expect(202)).body).toEqual(accepted.body);
    const { body } = await ask(accepted.headers["location"]).expect(200);
    expect(body).toMatchObject({ status: "succeeded", result: { succeeded: 0, failed: 1 } });
  });

  it("are not known under another id", async () => {
    expect(answerOf(await ask("/api/jobs/none"))).toEqual(failure(404, "Job with id none not found"));
  });

  it.each([
    ["post", "/api/keys/batch"],
    ["post", "/api/traffic/sync"],
  ] as const)("can be a %s %s", async (method, path) => {
    const accepted = await later(method, path)
      .send({ keys: [{}] })
      .expect(202);
    await expect.poll(async () => (await ask(accepted.headers["location"])).body.status).toBe("succeeded");
  });
});
