import { QueueUnavailableError } from "@veil/job-queue";
import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { finished, never } from "../test/in-memory/in-memory-jobs.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";

describe("the API when something behind it fails", () => {
  let api: InMemoryApi;

  beforeEach(async () => {
    api = await startInMemoryApi();
    api.plane.addKey({ keyId: 1 });
  });
  afterEach(async () => {
    await api.close();
  });

  const redisIsAway = async () => {
    throw new QueueUnavailableError(false, new Error("connect ECONNREFUSED 10.0.0.7:6379"));
  };
  const mongoIsAway = async () => {
    throw new StoreUnavailableError(new Error("no primary at mongo.internal:27017"));
  };

  it.each([
    ["post", "/api/keys", "Failed to create key: the job queue is unavailable"],
    ["delete", "/api/keys/1", "Failed to delete key: the job queue is unavailable"],
  ] as const)("answers %s %s with 503 and Retry-After while Redis is away", async (method, path, detail) => {
    api.plane.jobs.beforeSubmit = redisIsAway;
    const response = await call(api, method, path);
    expect(answerOf(response)).toEqual(failure(503, detail));
    expect(response.headers["retry-after"]).toMatch(/^[1-9]\d*$/);
  });

  it.each([
    ["post", "/api/keys/1/traffic/reset", "Failed to reset traffic: the job queue is unavailable"],
    ["post", "/api/traffic/sync", "Failed to sync traffic: the job queue is unavailable"],
  ] as const)("answers %s %s with 500 while Redis is away", async (method, path, detail) => {
    api.plane.jobs.beforeSubmit = redisIsAway;
    expect(answerOf(await call(api, method, path))).toEqual(failure(500, detail));
  });

  it.each([
    ["get", "/api/keys"],
    ["get", "/api/keys/1"],
    ["get", "/api/keys/1/link"],
    ["get", "/api/keys/1/traffic"],
    ["post", "/api/keys/1/traffic/reset"],
  ] as const)("answers %s %s with 503 and Retry-After while MongoDB is away", async (method, path) => {
    api.plane.beforeRead = mongoIsAway;
    const response = await call(api, method, path);
    expect(answerOf(response)).toEqual(failure(503, "The key store is unavailable"));
    expect(response.headers["retry-after"]).toMatch(/^[1-9]\d*$/);
  });

  it("still answers / while everything is away", async () => {
    api.plane.beforeRead = mongoIsAway;
    api.plane.jobs.beforeSubmit = redisIsAway;
    expect((await call(api, "get", "/")).status).toBe(200);
  });

  it("answers a create that no worker takes with 500 and cancels it", async () => {
    api.plane.jobs.scripts["create-key"] = () => never();
    const response = await call(api, "post", "/api/keys");
    expect(answerOf(response)).toEqual(failure(500, "Failed to create key: timed out"));
    expect(api.plane.jobs.submitted.map(({ name }) => name)).toEqual(["create-key", "cancel-creation"]);
  });

  it("answers with the worker's reason when no node takes the key", async () => {
    api.plane.jobs.scripts["create-key"] = () =>
      finished<"create-key">({ outcome: "unavailable", detail: "no Xray node can be reached" });
    const response = await call(api, "post", "/api/keys");
    expect(answerOf(response)).toEqual(failure(503, "Failed to create key: no Xray node can be reached"));
  });

  it("closes the connection when it can't tell what became of a create", async () => {
    api.plane.beforeRead = mongoIsAway;
    api.plane.jobs.scripts["create-key"] = () => {
      api.plane.jobs.beforeSubmit = redisIsAway;
      return never();
    };
    await expect(call(api, "post", "/api/keys")).rejects.toThrow(/socket hang up/);
    await expect.poll(() => api.finished).toMatchObject([{ route: "/api/keys", status: 0 }]);
    expect(api.log.lines).toContainEqual(expect.objectContaining({ level: "error", message: "request failed" }));
  });

  it.each([
    ["reset", "/api/keys/1/traffic/reset", "Failed to reset traffic: timed out"],
    ["sync", "/api/traffic/sync", "Failed to sync traffic: timed out"],
  ])("answers a %s that no collector takes with 500", async (_name, path, detail) => {
    api.plane.jobs.scripts["reset-traffic"] = () => never();
    api.plane.jobs.scripts["sync-traffic"] = () => never();
    expect(answerOf(await call(api, "post", path))).toEqual(failure(500, detail));
  });

  it("answers 404 to a reset when the key went meanwhile", async () => {
    api.plane.jobs.scripts["reset-traffic"] = () => finished<"reset-traffic">({ outcome: "not-found" });
    const response = await call(api, "post", "/api/keys/1/traffic/reset");
    expect(answerOf(response)).toEqual(failure(404, "Key with id 1 not found"));
  });

  it("answers 500 to a reset that a node's absence forbids", async () => {
    api.plane.jobs.scripts["reset-traffic"] = () =>
      finished<"reset-traffic">({ outcome: "unavailable", detail: "a node can't be read" });
    const response = await call(api, "post", "/api/keys/1/traffic/reset");
    expect(answerOf(response)).toEqual(failure(500, "Failed to reset traffic: a node can't be read"));
  });

  it("counts the errors of a sync", async () => {
    api.plane.jobs.scripts["sync-traffic"] = () =>
      finished<"sync-traffic">({ outcome: "synced", updated: 7, errors: 3 });
    expect((await call(api, "post", "/api/traffic/sync")).body).toEqual({
      success: true,
      message: "Synced 7 keys, 3 errors",
      updated: 7,
      errors: 3,
    });
  });

  it("answers 500 to a link while the public key is not configured", async () => {
    api.plane.addKey({ keyId: 2, name: "link-not-configured" });
    const response = await call(api, "get", "/api/keys/2/link");
    expect(answerOf(response)).toEqual(failure(500, "Reality public key not configured"));
  });

  it("answers 409 to a link of a key that no host is for", async () => {
    api.plane.addKey({ keyId: 2, name: "in-no-node" });
    const answers = await Promise.all(["link", "qr.svg?of=link"].map((of) => call(api, "get", `/api/keys/2/${of}`)));
    const none = failure(409, "No host of an active node is for a group of the key");
    expect(answers.map(answerOf)).toEqual([none, none]);
    expect((await call(api, "get", "/api/keys/2/links").expect(200)).body).toEqual({ key_id: 2, links: [] });
  });

  it("tells of a record that can't be read, and logs which one it is", async () => {
    const damaged = new UnreadableRecordError("keys: the document 1 makes no sense");
    api.plane.beforeRead = () => Promise.reject(damaged);
    const detail = "A record that this needs can't be read or changed: an operator has to mend it";
    expect(answerOf(await call(api, "get", "/api/keys/1"))).toEqual(failure(500, detail));
    expect(api.log.lines).toContainEqual(
      expect.objectContaining({ level: "error", fields: expect.objectContaining({ err: damaged }) as unknown }),
    );
  });

  it("says of a change of a record that can't be read afterwards that it may have been done", async () => {
    api.plane.jobs.scripts["change-key"] = () => {
      api.plane.beforeRead = () => Promise.reject(new UnreadableRecordError("keys: the document 1 makes no sense"));
      return never();
    };
    const response = await call(api, "patch", "/api/keys/1").send({ note: "n" });
    const detail = "Failed to change key: its record can't be read: it may have been done";
    expect(answerOf(response)).toEqual(failure(500, detail));
  });

  it("tells nothing of a fault of its own, and logs it whole", async () => {
    const fault = new Error("Cannot read properties of undefined at /srv/app/keys.js mongodb://user:pass@host");
    api.plane.beforeRead = () => Promise.reject(fault);
    const response = await call(api, "get", "/api/keys/1");
    expect(answerOf(response)).toEqual(failure(500, "Internal Server Error"));
    expect(api.log.lines).toContainEqual(
      expect.objectContaining({ level: "error", fields: expect.objectContaining({ err: fault }) as unknown }),
    );
  });
});
