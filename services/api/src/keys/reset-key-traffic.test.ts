import { QueueUnavailableError } from "@veil/job-queue";
import { firstTerms, type SettableTerms } from "@veil/keys";
import { afterEach, beforeEach, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { finished } from "../../test/in-memory/in-memory-jobs.ts";
import { figuresOf } from "../../test/in-memory/in-memory-plane.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

const CREATED_AT = 1_703_520_000;

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
});
afterEach(async () => {
  await api.close();
});

function addKey(terms: Partial<SettableTerms>, facts: object = {}): void {
  const first = firstTerms(terms, { createdAt: CREATED_AT, nextResetAt: null });
  api.plane.addKey({ createdAt: CREATED_AT, terms: { ...first, ...facts } });
  api.plane.traffic.set(1, figuresOf({ upload: 30, download: 70 }));
}

const reset = () => call(api, "post", "/api/keys/1/traffic/reset");
const jobs = () => api.plane.jobs.submitted.map(({ name }) => name);

it("lifts the limit that was reached", async () => {
  addKey({ trafficLimit: 50 }, { limitedAt: CREATED_AT + 5 });
  expect((await call(api, "get", "/api/keys/1")).body).toMatchObject({ status: "limited", traffic_used: 100 });
  expect((await reset()).body).toMatchObject({ previous_upload: 30, previous_download: 70, previous_total: 100 });
  expect((await call(api, "get", "/api/keys/1")).body).toMatchObject({
    status: "active",
    traffic_used: 0,
    traffic_lifetime: 100,
  });
});

it("begins a rolling month anew", async () => {
  addKey({ trafficReset: "month_rolling" });
  await reset().expect(200);
  expect(api.plane.keys.get(1)?.terms.resetAnchor).toBeGreaterThan(CREATED_AT);
});

it("answers the bytes since the last reset of either kind", async () => {
  addKey({}, { usedFrom: { upload: 10, download: 60 } });
  expect((await reset()).body).toMatchObject({ previous_upload: 20, previous_download: 10, previous_total: 30 });
  expect((await reset()).body).toMatchObject({ previous_total: 0 });
});

it("waits for no worker where a key has no limit, and has the reset reported", async () => {
  addKey({});
  expect((await reset()).body).toMatchObject({ previous_total: 100 });
  expect(jobs()).toEqual(["reset-traffic", "change-key"]);
  const reported = api.plane.jobs.submitted.find(({ name }) => name === "change-key");
  expect(reported?.payload).toMatchObject({ change: { hasLedgerReset: true }, actor: { name: "secret-1" } });
});

it.each([
  ["of the version before", { outcome: "unavailable", detail: "no node" }],
  ["of this version", { outcome: "unavailable", detail: "no node", is_stored: true }],
  ["of a node that refuses it", { outcome: "failed", detail: "Xray refused the key", is_stored: true }],
] as const)("stands when no node can let the key in again, by the word of a worker %s", async (_of, result) => {
  addKey({ trafficLimit: 50 });
  api.plane.jobs.scripts["change-key"] = () => finished<"change-key">(result);
  expect((await reset().expect(200)).body).toMatchObject({ previous_total: 100 });
  const message = "no node has let a key in again after its reset yet";
  expect(api.log.lines.filter(({ level }) => level === "warn")).toMatchObject([{ message }]);
});

it.each([
  ["of the version before", { outcome: "failed", detail: "the deadline has passed" }],
  ["of this version", { outcome: "failed", detail: "the deadline has passed", is_stored: false }],
  ["that can't have begun", { outcome: "unavailable", detail: "any", is_stored: false }],
] as const)(
  "is asked for again when the key was not changed, and hears the same, by the word of a worker %s",
  async (_of, result) => {
    addKey({ trafficLimit: 50 }, { limitedAt: CREATED_AT + 5 });
    const run = api.plane.jobs.scripts["change-key"];
    api.plane.jobs.scripts["change-key"] = () => finished<"change-key">(result);
    const once = () => reset().set("Idempotency-Key", "reset-1");
    expect(answerOf(await once())).toEqual(failure(500, `Failed to reset traffic: ${result.detail}`));
    api.plane.jobs.scripts["change-key"] = run;
    expect((await once().expect(200)).body).toMatchObject({ previous_total: 100 });
    expect((await call(api, "get", "/api/keys/1")).body).toMatchObject({ status: "active" });
  },
);

it("tells a repeat what was counted before the reset, where nobody heard that the key was changed", async () => {
  addKey({ trafficLimit: 50 }, { limitedAt: CREATED_AT + 5 });
  const run = api.plane.jobs.scripts["change-key"];
  api.plane.jobs.scripts["change-key"] = async (payload, jobId) => {
    await run?.(payload, jobId);
    return finished<"change-key">({ outcome: "failed", detail: "lost", is_stored: false });
  };
  const once = () => reset().set("Idempotency-Key", "reset-1");
  await once().expect(500);
  api.plane.jobs.scripts["change-key"] = run;
  expect((await once().expect(200)).body).toMatchObject({ previous_total: 100 });
});

it("tells a repeat what came after an earlier reset of the terms, which its first request has changed", async () => {
  addKey({ trafficLimit: 5_000 }, { usedFrom: { upload: 10, download: 60 } });
  const run = api.plane.jobs.scripts["change-key"];
  let follow = (): void => undefined;
  const followed = new Promise<void>((resolve) => (follow = resolve));
  api.plane.jobs.scripts["change-key"] = async (payload, jobId) => {
    const end = await run(payload, jobId);
    await followed;
    return end;
  };
  const once = () => reset().set("Idempotency-Key", "reset-1");
  const detail = "Failed to reset traffic: the change stands; Xray has not followed yet";
  expect(answerOf(await once())).toEqual(failure(500, detail));
  follow();
  expect((await once().expect(200)).body).toMatchObject({ previous_upload: 20, previous_download: 10 });
});

it("tells a repeat what was counted before the reset, where its first request could not change the key", async () => {
  addKey({ trafficLimit: 50 });
  api.plane.jobs.beforeSubmit = async ({ name }) => {
    if (name === "change-key") throw new QueueUnavailableError(false, new Error("away"));
  };
  const once = () => reset().set("Idempotency-Key", "reset-1");
  expect(answerOf(await once())).toEqual(failure(500, "Failed to reset traffic: the job queue is unavailable"));
  api.plane.jobs.beforeSubmit = async () => undefined;
  expect((await once().expect(200)).body).toMatchObject({ previous_total: 100 });
  expect(jobs()).toEqual(["reset-traffic", "change-key"]);
});
