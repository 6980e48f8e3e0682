import { type Endpoint, endpoints } from "@veil/http-contract";
import { storedToken } from "@veil/tokens/testing";
import { storedWebhook } from "@veil/webhooks/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { answerOf, call, failure } from "../../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeEach(async () => {
  api = await startInMemoryApi();
  api.plane.addKey({ keyId: 1 });
});
afterEach(() => api.close());

/** All that answer entries under one name, and how many there are. */
const lists = Object.values(endpoints).filter(({ method, success: { schema } }: Endpoint) => {
  const shape = schema instanceof z.ZodObject ? schema.shape : {};
  return method === "get" && "total" in shape && Object.values(shape).some((field) => field instanceof z.ZodArray);
});
const pathOf = ({ path }: Pick<Endpoint, "path">) => path.replace("{key_id}", "1");

it("are those of the contract, and the traffic of all keys", () => {
  const names = ["devices", "hosts", "keys", "nodes", "tokens", "traffic", "webhooks"];
  expect(lists.map(({ path }) => path.split("/").at(-1)).toSorted()).toEqual(names);
});

describe.each(lists)("a page of $path", (endpoint) => {
  it("is asked for by numbers and ids that can be", async () => {
    expect(answerOf(await call(api, "get", `${pathOf(endpoint)}?limit=0`))).toEqual(
      failure(400, "limit must be a whole number from 1 to 1000"),
    );
    expect(answerOf(await call(api, "get", `${pathOf(endpoint)}?after=`))).toEqual(failure(400, /^after must be /));
    await call(api, "get", `${pathOf(endpoint)}?limit=1`).expect(200);
  });
});

const labels = { os: null, osVersion: null, model: null, userAgent: null, firstSeenAt: 1, lastSeenAt: 1 };
const stored: readonly [path: string, store: (...ids: string[]) => Promise<unknown>][] = [
  [
    "/api/keys/1/devices",
    (...ids) =>
      api.plane.devices.put({
        ...{ keyId: 1, epoch: 0, version: 1, fence: 0, changedBy: [], refusals: [], outbox: [] },
        devices: ids.map((id) => ({ id, ...labels })),
      }),
  ],
  ["/api/tokens", (...ids) => Promise.all(ids.map((id) => api.plane.tokens.insert(storedToken({ id, name: id }))))],
  ["/api/webhooks", (...ids) => Promise.all(ids.map((id) => api.plane.webhooks.insert(storedWebhook({ id }))))],
];

it.each(stored)("pages of %s ascend by id, also behind an entry that went meanwhile", async (path, store) => {
  await store("c", "a", "d");
  const page = async (query: string): Promise<[string[], number]> => {
    const { total, ...list } = (await call(api, "get", path + query).expect(200)).body;
    const [entries] = Object.values<{ id: string }[]>(list);
    return [entries?.map(({ id }) => id) ?? [], total];
  };
  expect((await page(""))[0].toSorted()).toEqual(["a", "c", "d"]);
  expect(await page("?limit=2")).toEqual([["a", "c"], 3]);
  expect(await page("?limit=2&after=c")).toEqual([["d"], 3]);
  expect(await page("?after=b")).toEqual([["c", "d"], 3]);
});
