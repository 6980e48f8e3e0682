import { randomUUID } from "node:crypto";
import { type Endpoint, endpoints, type OperationId } from "@veil/http-contract";
import { expect, vi } from "vitest";
import { z } from "zod";
import { call, UNKNOWN_ID } from "../contract/bot.ts";
import type { ContractTarget } from "../contract-suite.ts";
import { expectUnknown, expectUnknownExternalIds, expectUnknownKeys, plain } from "./as-unknown.ts";
import { streamedUntil } from "./streamed-until.ts";
import { endOf, makeToken, makeWebhook, type World } from "./world.ts";

/** The promise of one endpoint: a caller with an owner finds nothing of others through it. */
type OwnerCase = (world: World, endpoint: Endpoint) => Promise<void>;

const list = z.object({ total: z.number() });
const keyList = list.extend({ keys: z.array(z.object({ key_id: z.number() })) });
const trafficList = list.extend({ traffic: z.array(z.object({ key_id: z.number() })) });
const tokenList = list.extend({ tokens: z.array(z.object({ id: z.string(), owner: z.string().nullable() })) });
const webhookList = list.extend({ webhooks: z.array(z.object({ id: z.string() })) });
const nodeList = list.extend({ nodes: z.array(z.looseObject({ name: z.string() })).nonempty() });
const hostList = z.object({ hosts: z.tuple([z.looseObject({ id: z.string() })]).rest(z.unknown()) });
const eventList = z.object({
  events: z.array(z.object({ data: z.object({ key: z.object({ key_id: z.number() }).optional() }) })),
});
const stats = z.object({
  keys: z.looseObject({ total: z.number() }),
  online: z.number(),
  traffic: z.array(z.object({ upload: z.number(), download: z.number() })),
  groups: z.array(z.object({ name: z.string() })),
});
const online = z.object({ online: z.number() });
const made = z.looseObject({ key_id: z.number() });

/** Everybody gets the same answer, and nothing of keys. */
const ofNoKeys: OwnerCase = async ({ shop, admin }, { path }) => {
  const [one, other] = [await call(shop, "get", path), await call(admin, "get", path)];
  expect(plain(one, "")).toEqual(plain(other, ""));
};

const ofOneKey =
  (body?: object): OwnerCase =>
  (world, endpoint) =>
    expectUnknownKeys(world, endpoint, body);

const ids = (caller: ContractTarget, query = "") => idsOf(keyList, "keys", caller, `/api/keys${query}`);

async function idsOf<const Field extends "keys" | "traffic">(
  schema: z.ZodType<{ readonly total: number } & { readonly [F in Field]: readonly { readonly key_id: number }[] }>,
  field: Field,
  caller: ContractTarget,
  path: string,
): Promise<number[]> {
  const answer = await call(caller, "get", path).expect(200);
  const body = schema.parse(answer.body);
  expect(body.total).toBe(body[field].length);
  return body[field].map(({ key_id }) => key_id);
}

/** Of which keys there are events, in their order. */
async function keysOfEvents(caller: ContractTarget, query: Record<string, string>): Promise<number[]> {
  const path = `/api/events?${new URLSearchParams({ limit: "1000", ...query })}`;
  const { events } = eventList.parse((await call(caller, "get", path).expect(200)).body);
  return events.flatMap(({ data: { key } }) => key?.key_id ?? []);
}

const ofOneWebhook =
  (body?: object): OwnerCase =>
  async ({ shop, bazaar, foreignWebhook: { id } }, endpoint) => {
    const read = async () => (await call(bazaar, "get", `/api/webhooks/${id}`).expect(200)).body;
    const before = await read();
    await expectUnknown(shop, endpoint, [id, "wh_00000000000000000000"], body);
    expect(await read()).toEqual(before);
  };

/** Nodes are the installation's: to a caller with an owner there are none. */
const ofOneNode =
  (body?: object): OwnerCase =>
  async ({ shop, admin }, endpoint) => {
    const read = async () => nodeList.parse((await call(admin, "get", "/api/nodes").expect(200)).body);
    const before = await read();
    const name = before.nodes[0]?.name ?? "";
    await expectUnknown(shop, endpoint, [name, "none"], body);
    expect(await read()).toEqual(before);
  };

/** Hosts are the installation's as well. */
const ofOneHost =
  (body?: object): OwnerCase =>
  async ({ shop, admin }, endpoint) => {
    const read = async () => hostList.parse((await call(admin, "get", "/api/hosts").expect(200)).body);
    const before = await read();
    await expectUnknown(shop, endpoint, [before.hosts[0].id, "none"], body);
    expect(await read()).toEqual(before);
  };

async function expectNoHost(
  shop: ContractTarget,
  admin: ContractTarget,
  method: "post" | "put",
  path: string,
): Promise<void> {
  const before = (await call(admin, "get", "/api/hosts").expect(200)).body;
  await call(shop, method, path).send({ node: before.hosts[0].node, remark: "taken over" }).expect(403);
  expect((await call(admin, "get", "/api/hosts").expect(200)).body).toEqual(before);
}

/** One case for every endpoint; the compiler refuses a missing one. */
export const ownerCases: { readonly [Id in OperationId]: OwnerCase } = {
  getStatus: ofNoKeys,
  showSwaggerUi: ofNoKeys,
  showRedoc: ofNoKeys,
  getOpenApiDocument: ofNoKeys,

  getKey: ofOneKey(),
  deleteKey: ofOneKey(),
  updateKey: ofOneKey({ name: "taken over" }),
  extendKey: ofOneKey({ days: 1 }),
  revokeKey: ofOneKey({ link: true, credentials: true }),
  getKeyLink: ofOneKey(),
  getKeyLinks: ofOneKey(),
  getKeyQrSvg: ofOneKey(),
  getKeyQrPng: ofOneKey(),
  getKeyOnline: ofOneKey(),
  listDevices: ofOneKey(),
  deleteDevices: ofOneKey(),
  deleteDevice: (world, { method }) => expectUnknownKeys(world, { method, path: "/api/keys/{key_id}/devices/phone" }),
  getKeyTraffic: ofOneKey(),
  getKeyUsage: ofOneKey(),
  resetKeyTraffic: ofOneKey(),
  getKeyByExternalId: expectUnknownExternalIds,
  deleteKeyByExternalId: expectUnknownExternalIds,

  createKey: async ({ shop, foreign, nobodys }) => {
    for (const { key_id, external_id } of [foreign, nobodys]) {
      const answer = await call(shop, "post", "/api/keys").send({ external_id }).expect(200);
      expect(made.parse(answer.body).key_id).not.toBe(key_id);
      await call(shop, "post", "/api/keys").send({ external_id }).expect(409);
      await call(shop, "delete", `/api/keys/by-external-id/${encodeURIComponent(external_id)}`).expect(200);
    }
  },

  createKeys: async ({ shop, foreign, own }) => {
    const keys = [foreign, own].map(({ external_id }) => ({ external_id }));
    const { body } = await call(shop, "post", "/api/keys/batch").send({ keys }).expect(200);
    expect(body.results).toMatchObject([{ status: "ok" }, { status: "error" }]);
    await call(shop, "delete", `/api/keys/${body.results[0].key.key_id}`).expect(200);
  },

  putKeyByExternalId: async ({ shop, foreign, nobodys }) => {
    for (const { key_id, external_id } of [foreign, nobodys]) {
      const path = `/api/keys/by-external-id/${encodeURIComponent(external_id)}`;
      const answer = await call(shop, "put", path).send({ note: "mine" }).expect(200);
      expect([answer.headers["veil-outcome"], made.parse(answer.body).key_id === key_id]).toEqual(["created", false]);
      const again = await call(shop, "put", path).send({ note: "still mine" }).expect(200);
      expect([again.headers["veil-outcome"], again.body.key_id]).toEqual(["updated", answer.body.key_id]);
      await call(shop, "delete", path).expect(200);
    }
  },

  listKeys: async ({ shop, bazaar, own, foreign, foreignMarks: { name, tag, group } }) => {
    const { key_id } = own;
    expect(await ids(shop)).toEqual([key_id]);
    expect(await ids(bazaar)).not.toContain(key_id);
    const none = [
      `?${new URLSearchParams({ name })}`,
      `?${new URLSearchParams({ tag })}`,
      `?${new URLSearchParams({ group })}`,
      `?${new URLSearchParams({ external_id: foreign.external_id })}`,
    ];
    for (const query of none) expect([query, await ids(shop, query)]).toEqual([query, []]);
    for (const query of [
      "?limit=1000",
      `?after=${key_id - 1}`,
      "?status=active",
      "?online=false",
      "?expires_after=1",
    ]) {
      expect([query, await ids(shop, query)]).toEqual([query, [key_id]]);
    }
    const { headers } = await call(bazaar, "get", "/api/keys").expect(200);
    await call(shop, "get", "/api/keys")
      .set("If-None-Match", headers["etag"] ?? "")
      .expect(200);
  },

  listTraffic: async ({ shop, empty, own }) => {
    expect(await idsOf(trafficList, "traffic", shop, "/api/traffic")).toEqual([own.key_id]);
    expect(await idsOf(trafficList, "traffic", shop, "/api/traffic?limit=1000")).toEqual([own.key_id]);
    expect(await idsOf(trafficList, "traffic", empty, "/api/traffic")).toEqual([]);
  },

  deleteKeys: async ({ shop, foreign, nobodys }) => {
    const key_ids = [foreign.key_id, nobodys.uuid, UNKNOWN_ID];
    const { body } = await call(shop, "post", "/api/keys/batch-delete").send({ key_ids }).expect(200);
    expect(body.results.map(({ detail }: { detail: string }) => detail)).toEqual(
      key_ids.map((ref) => `Key with id ${ref} not found`),
    );
  },

  updateKeys: async ({ shop, own, foreign, nobodys, foreignMarks: { name, tag, group } }) => {
    const update = async (keys: object) => {
      const { body } = await call(shop, "post", "/api/keys/batch-update").send({ ...keys, set: { note: "mine" } });
      return endOf(shop, String(body.job_id));
    };
    const key_ids = [foreign.key_id, nobodys.key_id, UNKNOWN_ID];
    const errors = key_ids.map((key_id) => ({ key_id, detail: `Key with id ${key_id} not found` }));
    expect(await update({ key_ids })).toMatchObject({ total: 3, done: 0, failed: 3, errors });
    for (const filter of [{ name }, { tag }, { group }, { external_id: foreign.external_id }]) {
      expect([filter, await update({ filter })]).toMatchObject([filter, { total: 0, done: 0, failed: 0 }]);
    }
    expect(await update({ filter: { all: true } })).toMatchObject({ total: 1, done: 1 });
    expect(await update({ key_ids: [own.key_id] })).toMatchObject({ total: 1, done: 1 });
  },

  getOnline: async ({ empty }) => {
    const { body } = await call(empty, "get", "/api/online").expect(200);
    expect(online.parse(body).online).toBe(0);
  },

  getStats: async ({ empty, shop, foreignMarks: { group } }) => {
    const nothing = stats.parse((await call(empty, "get", "/api/stats").expect(200)).body);
    expect([nothing.keys.total, nothing.online, nothing.groups]).toEqual([0, 0, []]);
    expect(nothing.traffic.every(({ upload, download }) => upload + download === 0)).toBe(true);
    const own = stats.parse((await call(shop, "get", "/api/stats").expect(200)).body);
    expect([own.keys.total, own.groups.map(({ name }) => name)]).toEqual([1, ["default"]]);
    expect(own.groups.map(({ name }) => name)).not.toContain(group);
  },

  syncTraffic: async ({ empty, shop }) => {
    const counted = async (caller: ContractTarget) => {
      const { body } = await call(caller, "post", "/api/traffic/sync").expect(200);
      return [body.updated + body.errors, body.message];
    };
    expect(await counted(empty)).toEqual([0, "Synced 0 keys, 0 errors"]);
    expect(await counted(shop)).toEqual([1, expect.stringMatching(/^Synced [01] keys, [01] errors$/)]);
  },

  getJob: async ({ shop, admin, foreignJobs }, endpoint) => {
    for (const job of foreignJobs) {
      await call(admin, "get", `/api/jobs/${job}`).expect(200);
      await expectUnknown(shop, endpoint, [job, randomUUID()]);
    }
  },

  createToken: async ({ shop, owner, foreignToken: { name } }) => {
    const ask = (body: object) => call(shop, "post", "/api/tokens").send({ scopes: ["keys:read"], ...body });
    for (const foreign of [owner.bazaar, "none such", null]) {
      expect((await ask({ name: "x", owner: foreign })).body).toEqual({
        detail: expect.stringContaining("keys of another owner"),
      });
    }
    // The name of another owner's token is free.
    const answer = await ask({ name }).expect(200);
    expect(answer.body).toMatchObject({ name, owner: owner.shop });
    await ask({ name }).expect(409);
    await call(shop, "delete", `/api/tokens/${answer.body.id}`).expect(200);
  },

  listTokens: async ({ shop, owner, foreignToken }) => {
    const { tokens, total } = tokenList.parse((await call(shop, "get", "/api/tokens").expect(200)).body);
    expect(tokens.map(({ id }) => id)).not.toContain(foreignToken.id);
    expect(new Set(tokens.map((token) => token.owner))).toEqual(new Set([owner.shop]));
    expect(total).toBe(tokens.length);
  },

  updateToken: async ({ shop, admin, owner, foreignToken }, endpoint) => {
    await expectUnknown(shop, endpoint, [foreignToken.id, "000000000000"], { name: "taken over" });
    const { id, caller } = await makeToken(admin, { name: randomUUID(), owner: owner.shop });
    for (const foreign of [owner.bazaar, null]) {
      await call(caller, "patch", `/api/tokens/${id}`).send({ owner: foreign }).expect(403);
    }
    await call(admin, "delete", `/api/tokens/${id}`).expect(200);
  },

  deleteToken: ({ shop, foreignToken }, endpoint) => expectUnknown(shop, endpoint, [foreignToken.id, "000000000000"]),

  listEvents: async ({ shop, bazaar, admin, own, foreign, nobodys, foreignToken }) => {
    const of = ({ key_id }: { readonly key_id: number }) => ({ key_id: String(key_id) });
    // Each is logged a moment after it happened.
    const isLogged = async (key: { readonly key_id: number }) =>
      expect(await keysOfEvents(admin, of(key))).toContain(key.key_id);
    for (const key of [own, foreign, nobodys]) await vi.waitFor(() => isLogged(key), { interval: 100 });
    expect(await keysOfEvents(bazaar, of(foreign))).toContain(foreign.key_id);
    for (const key of [foreign, nobodys]) {
      expect(await keysOfEvents(shop, of(key))).toEqual([]);
      expect(await keysOfEvents(shop, {})).not.toContain(key.key_id);
    }
    expect(await keysOfEvents(shop, { actor: foreignToken.name })).toEqual([]);
    const streamed = await streamedUntil(shop, own.external_id);
    const keyIds = [...streamed.matchAll(/"key_id":(\d+)/g)].map(([, id]) => Number(id));
    expect(keyIds).toContain(own.key_id);
    for (const { key_id } of [foreign, nobodys]) expect(keyIds).not.toContain(key_id);
    expect(streamed).not.toContain(foreignToken.id);
  },

  createWebhook: async ({ shop, bazaar, admin }) => {
    const { id } = await makeWebhook(shop);
    await call(bazaar, "get", `/api/webhooks/${id}`).expect(404);
    await call(admin, "get", `/api/webhooks/${id}`).expect(200);
    await call(shop, "delete", `/api/webhooks/${id}`).expect(200);
  },

  listWebhooks: async ({ shop, admin, foreignWebhook }) => {
    const own = await makeWebhook(shop);
    const of = async (caller: ContractTarget) => {
      const { webhooks, total } = webhookList.parse((await call(caller, "get", "/api/webhooks").expect(200)).body);
      expect(total).toBe(webhooks.length);
      return webhooks.map(({ id }) => id);
    };
    expect(await of(shop)).toEqual([own.id]);
    expect(await of(admin)).toEqual(expect.arrayContaining([own.id, foreignWebhook.id]));
    await call(shop, "delete", `/api/webhooks/${own.id}`).expect(200);
  },

  getWebhook: ofOneWebhook(),
  updateWebhook: ofOneWebhook({ enabled: false }),
  deleteWebhook: ofOneWebhook(),
  testWebhook: ofOneWebhook(),

  listNodes: async ({ shop, admin }) => {
    expect((await call(shop, "get", "/api/nodes").expect(200)).body).toEqual({ nodes: [], total: 0 });
    expect((await call(admin, "get", "/api/nodes").expect(200)).body.total).toBeGreaterThan(0);
  },
  createNode: async ({ shop, admin }) => {
    const before = (await call(admin, "get", "/api/nodes").expect(200)).body;
    await call(shop, "post", "/api/nodes").send({ name: "shop-1", address: "127.0.0.1:9" }).expect(403);
    expect((await call(admin, "get", "/api/nodes").expect(200)).body).toEqual(before);
  },
  getNode: ofOneNode(),
  getNodeHealth: ofOneNode(),
  updateNode: ofOneNode({ note: "taken over" }),
  drainNode: ofOneNode(),
  undrainNode: ofOneNode(),
  deleteNode: ofOneNode(),

  listHosts: async ({ shop, admin }) => {
    expect((await call(shop, "get", "/api/hosts").expect(200)).body).toEqual({ hosts: [], total: 0 });
    expect((await call(admin, "get", "/api/hosts").expect(200)).body.total).toBeGreaterThan(0);
  },
  createHost: ({ shop, admin }) => expectNoHost(shop, admin, "post", "/api/hosts"),
  putHost: async ({ shop, admin }) => {
    const { hosts } = hostList.parse((await call(admin, "get", "/api/hosts").expect(200)).body);
    for (const id of [hosts[0].id, "shop-1"]) await expectNoHost(shop, admin, "put", `/api/hosts/${id}`);
  },
  getHost: ofOneHost(),
  updateHost: ofOneHost({ remark: "taken over" }),
  deleteHost: ofOneHost(),
};

/** The endpoints with their cases, in the catalogue's order. */
export function casesOf(
  operationIds: readonly OperationId[],
): { id: OperationId; endpoint: Endpoint; run: OwnerCase }[] {
  return operationIds.map((id) => ({ id, endpoint: endpoints[id], run: ownerCases[id] }));
}
