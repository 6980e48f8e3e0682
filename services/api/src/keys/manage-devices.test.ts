import { endpoints } from "@veil/http-contract";
import { afterEach, beforeEach, expect, it } from "vitest";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { never } from "../../test/in-memory/in-memory-jobs.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
  api.plane.addKey({ keyId: 1 });
});
afterEach(() => api.close());

const UNREPORTED = { changedBy: [], refusals: [], outbox: [] };
const labels = { os: "iOS", osVersion: "18.1", model: null, userAgent: "Happ/3.7.1" };
const register = (...ids: string[]) => {
  const devices = ids.map((id) => ({ id, ...labels, firstSeenAt: 1_700_000_000, lastSeenAt: 1_700_000_100 }));
  return api.plane.devices.put({ keyId: 1, epoch: 0, version: 1, fence: 0, devices, ...UNREPORTED });
};
const PATH = "/api/keys/1/devices";
const list = async () => endpoints.listDevices.success.schema.parse((await call(api, "get", PATH).expect(200)).body);
const ids = async () => (await list()).devices.map(({ id }) => id);

it("lists the devices of a key as they came, and which of them a limit leaves in", async () => {
  expect(await list()).toEqual({ devices: [], total: 0 });
  await register("a", "b");
  await call(api, "patch", "/api/keys/1").send({ device_limit: 1 }).expect(200);
  const { devices, total } = await list();
  expect(devices.map(({ id, is_allowed }) => [id, is_allowed])).toEqual([
    ["a", true],
    ["b", false],
  ]);
  expect(total).toBe(2);
  expect(devices[0]).toEqual({
    id: "a",
    os: "iOS",
    os_version: "18.1",
    model: null,
    user_agent: "Happ/3.7.1",
    first_seen_at: 1_700_000_000,
    last_seen_at: 1_700_000_100,
    is_allowed: true,
  });
});

it("deletes one device, and says so of one that is not there", async () => {
  await register("a", "b");
  const answer = await call(api, "delete", `${PATH}/a`);
  expect(answerOf(answer)).toEqual({ status: 200, body: { success: true, message: "Device a deleted successfully" } });
  expect(await ids()).toEqual(["b"]);
  expect(answerOf(await call(api, "delete", `${PATH}/a`))).toEqual(failure(404, "Device with id a not found"));
});

it("deletes all devices, also when there are none", async () => {
  await register("a", "b");
  const message = "All devices of key 1 deleted successfully";
  for (let times = 0; times < 2; times += 1) {
    expect(answerOf(await call(api, "delete", PATH))).toEqual({ status: 200, body: { success: true, message } });
    expect(await ids()).toEqual([]);
  }
});

it("forgets the devices with another change of the key, in the same write", async () => {
  await register("a");
  const { body } = await call(api, "patch", "/api/keys/1").send({ device_limit: 7, reset_devices: true }).expect(200);
  expect(body).toMatchObject({ device_limit: 7, revision: 2 });
  expect(await ids()).toEqual([]);
});

it.each([
  ["get", PATH],
  ["delete", PATH],
  ["delete", `${PATH}/a`],
] as const)("knows no key that is gone: %s %s", async (method, asked) => {
  await register("a");
  await call(api, "delete", "/api/keys/1").expect(200);
  expect(answerOf(await call(api, method, asked))).toEqual(failure(404, "Key with id 1 not found"));
});

it("repeats a deletion under its Idempotency-Key, and keeps a device that came back meanwhile", async () => {
  await register("a");
  const send = () => call(api, "delete", `${PATH}/a`).set("Idempotency-Key", "once");
  await send().expect(200);
  const before = await api.plane.devices.find(1);
  const devices = [{ id: "a", ...labels, firstSeenAt: 1, lastSeenAt: 1 }];
  await api.plane.devices.put({ keyId: 1, epoch: 0, fence: 0, ...UNREPORTED, ...before, version: 9, devices });
  const repeat = await send();
  expect([repeat.status, repeat.headers["idempotency-replayed"]]).toEqual([200, "true"]);
  expect(await ids()).toEqual(["a"]);
});

it("is answered later when that is preferred", async () => {
  await register("a");
  const answer = await call(api, "delete", PATH).set("Prefer", "respond-async");
  expect(answer.status).toBe(202);
  await expect.poll(ids).toEqual([]);
});

it("finds in the list what became of a deletion whose result got lost", async () => {
  await register("a");
  const run = api.plane.jobs.scripts["forget-devices"];
  api.plane.jobs.scripts["forget-devices"] = async (...job) => {
    await run(...job);
    return never();
  };
  expect((await call(api, "delete", `${PATH}/a`)).status).toBe(200);
  api.plane.jobs.scripts["forget-devices"] = () => never();
  const answer = await call(api, "delete", PATH);
  expect(answerOf(answer)).toEqual(failure(500, "Failed to delete devices: timed out"));
});
