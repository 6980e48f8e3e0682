import { StoreUnavailableError, UnreadableRecordError } from "@veil/keys";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
});
afterEach(async () => {
  await api.close();
});

const isAway = () => Promise.reject(new StoreUnavailableError(new Error("no primary")));
const isDamaged = () => Promise.reject(new UnreadableRecordError("nodes: the document makes no sense"));
const hangs = () => new Promise<never>(() => undefined);

/** Lets the fleet be read no more once a job has changed it. */
function unreadAfter(
  name: "create-node" | "change-node" | "drain-node" | "put-host" | "change-host",
  read: () => Promise<never>,
) {
  const { scripts } = api.plane.jobs;
  const script: (...asked: never[]) => unknown = scripts[name];
  const done = async (...asked: never[]) => {
    const end = await script(...asked);
    api.plane.fleet.beforeStep = read;
    return end;
  };
  Object.assign(scripts, { [name]: done });
}

describe.each([
  ["is away", isAway],
  ["hangs", hangs],
  ["holds a damaged document", isDamaged],
])("when a change is done and the store %s", (_name, read) => {
  it.each([
    ["create-node", "post", "/api/nodes", { name: "fi-1", address: "10.0.0.2:10085" }, { state: "joining" }],
    ["change-node", "patch", "/api/nodes/main", { note: "n" }, { name: "main", note: "n" }],
    ["drain-node", "post", "/api/nodes/main/drain", {}, { name: "main", state: "draining" }],
    ["put-host", "post", "/api/hosts", { node: "main", remark: "r" }, { remark: "r", is_own: false }],
    ["put-host", "put", "/api/hosts/backup", { node: "main", port: 8_443 }, { id: "backup", port: 8_443 }],
    ["change-host", "patch", "/api/hosts/n_main", { hidden: true }, { id: "n_main", hidden: true }],
  ] as const)("%s by %s %s is answered as it is now", async (job, method, path, body, shown) => {
    unreadAfter(job, read);
    const answer = await call(api, method, path).send(body).expect(200);
    api.plane.fleet.beforeStep = async () => undefined;
    const stored = path.startsWith("/api/nodes") ? `/api/nodes/${answer.body.name}` : `/api/hosts/${answer.body.id}`;
    const { created_at, ...same } = answer.body;
    expect((await call(api, "get", stored).expect(200)).body).toMatchObject(same);
    expect(answer.body).toMatchObject(shown);
    expect(created_at).toEqual(expect.any(Number));
  });
});

it.each([
  ["is away", isAway],
  ["hangs", hangs],
])("answers 503 where the store %s and this process has not seen yet what was changed", async (_name, read) => {
  await call(api, "post", "/api/nodes").send({ name: "fi-1", address: "10.0.0.2:10085" }).expect(200);
  unreadAfter("change-node", read);
  const answer = await call(api, "patch", "/api/nodes/fi-1").send({ note: "n" });
  expect(answerOf(answer)).toEqual(failure(503, "The key store is unavailable"));
});
