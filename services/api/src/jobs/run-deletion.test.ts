import type { JobName } from "@veil/job-contract";
import { StoreUnavailableError } from "@veil/keys";
import { storedToken } from "@veil/tokens/testing";
import { storedWebhook } from "@veil/webhooks/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { never } from "../../test/in-memory/in-memory-jobs.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

const TOKEN = storedToken({ name: "shop" });
const WEBHOOK = storedWebhook({ id: "wh_1" });
const DELETIONS = [
  { job: "delete-host", path: "/api/hosts/cdn", what: "host" },
  { job: "delete-node", path: "/api/nodes/main", what: "node" },
  { job: "delete-token", path: `/api/tokens/${TOKEN.id}`, what: "token" },
  { job: "delete-webhook", path: "/api/webhooks/wh_1", what: "webhook" },
] as const satisfies readonly { readonly job: JobName; readonly path: string; readonly what: string }[];

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
  await call(api, "put", "/api/hosts/cdn").send({ node: "main" }).expect(200);
  const { text: _, ...token } = TOKEN;
  await api.plane.tokens.insert(token);
  await api.plane.webhooks.insert(WEBHOOK);
  api.plane.jobs.submitted.length = 0;
});
afterEach(async () => {
  await api.close();
});

/** The worker does its work, and nobody hears of it; or it is away. */
function silence(job: JobName, isDone: boolean): void {
  const { scripts } = api.plane.jobs;
  const work: (...asked: never[]) => unknown = scripts[job];
  const silent = async (...asked: never[]) => {
    if (isDone) await work(...asked);
    return never();
  };
  Object.assign(scripts, { [job]: silent });
}

describe.each(DELETIONS)("a deletion of a $what without the worker's word", ({ job, path, what }) => {
  it("was done where it is there no more", async () => {
    silence(job, true);
    await call(api, "delete", path).expect(200);
  });

  it("was not done where it is there still", async () => {
    silence(job, false);
    expect(answerOf(await call(api, "delete", path))).toEqual(failure(500, `Failed to delete ${what}: timed out`));
  });

  it("is answered at once where there is none", async () => {
    silence(job, false);
    expect((await call(api, "delete", `${path.slice(0, path.lastIndexOf("/"))}/none-1`)).status).toBe(404);
    expect(api.plane.jobs.submitted).toEqual([]);
  });

  it("does not count as done for one who joins it later and never saw it", async () => {
    silence(job, true);
    await call(api, "delete", path).set("Idempotency-Key", "d").expect(200);
    const [begun] = api.records.writes.values();
    if (begun === undefined) throw new Error("no write was begun");
    Object.assign(begun, { state: "running", leader: "dead", leaseUntil: 0 });
    const detail = `Failed to delete ${what}: it is not there, and no worker says whether this deleted it`;
    const repeat = () => call(api, "delete", path).set("Idempotency-Key", "d");
    expect(answerOf(await repeat())).toEqual(failure(503, detail));
  });
});

it("finds the host of a node still there that nobody can delete", async () => {
  silence("delete-host", true);
  const answer = await call(api, "delete", "/api/hosts/n_main");
  expect(answerOf(answer)).toEqual(failure(500, "Failed to delete host: timed out"));
});

it.each(["token", "webhook"] as const)("knows no %s of another owner, without a worker", async (what) => {
  const { text, ...token } = storedToken({ name: "other", owner: "other" });
  await api.plane.tokens.insert(token);
  silence(`delete-${what}`, false);
  const path = what === "token" ? `/api/tokens/${TOKEN.id}` : "/api/webhooks/wh_1";
  expect((await call({ ...api, secret: text }, "delete", path)).status).toBe(404);
  expect(api.plane.jobs.submitted).toEqual([]);
});

it.each(["token", "node"] as const)("says so where the store is away before a %s is deleted", async (what) => {
  const isAway = () => Promise.reject(new StoreUnavailableError(new Error("no primary")));
  const path = what === "token" ? `/api/tokens/${TOKEN.id}` : "/api/nodes/main";
  if (what === "token") api.plane.tokens.find = isAway;
  else api.plane.fleet.beforeStep = isAway;
  const detail = `Failed to delete ${what}: the key store is unavailable`;
  expect(answerOf(await call(api, "delete", path))).toEqual(failure(503, detail));
  expect(api.plane.jobs.submitted).toEqual([]);
});
