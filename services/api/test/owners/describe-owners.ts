import { randomUUID } from "node:crypto";
import { operationIds } from "@veil/http-contract";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { call } from "../contract/bot.ts";
import type { ContractTarget } from "../contract-suite.ts";
import { casesOf, ownerCases } from "./cases.ts";
import { makeToken, makeWorld, type World } from "./world.ts";

/** How long a change of a token takes to be known everywhere. */
const KNOWN_MS = 3_000;

/** The promises to owners, for any running API: to each of them the others are not there. */
export function describeOwners(target: () => ContractTarget): void {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(target());
  });

  /** The keys of others as these see them, with their tags. */
  const others = async () => {
    const answers = [
      await call(world.bazaar, "get", `/api/keys/${world.foreign.key_id}`).expect(200),
      await call(world.admin, "get", `/api/keys/${world.nobodys.key_id}`).expect(200),
      await call(world.admin, "get", `/api/keys/${world.foreign.key_id}`).expect(200),
    ];
    return answers.map(({ body, headers }) => [
      { ...body, traffic_used: 0, traffic_lifetime: 0, online_at: 0 },
      headers["etag"]?.slice(0, 3),
    ]);
  };

  describe("a caller with an owner finds nothing of others by", () => {
    it("any endpoint: each has its case", () => {
      expect(Object.keys(ownerCases).toSorted()).toEqual([...operationIds].toSorted());
    });

    it.each(casesOf(operationIds))("$id", async ({ endpoint, run }) => {
      const before = await others();
      await run(world, endpoint);
      expect(await others()).toEqual(before);
    });
  });

  describe("a caller without an owner", () => {
    it("sees the keys of all", async () => {
      for (const { key_id, uuid } of [world.own, world.foreign, world.nobodys]) {
        await call(world.admin, "get", `/api/keys/${key_id}`).expect(200);
        await call(world.admin, "get", `/api/keys/${uuid}/link`).expect(200);
      }
      const { body } = await call(world.admin, "get", "/api/keys").expect(200);
      const ids = body.keys.map(({ key_id }: { key_id: number }) => key_id);
      expect(ids).toEqual(
        expect.arrayContaining([world.own, world.foreign, world.nobodys].map(({ key_id }) => key_id)),
      );
    });

    it("finds by external id what is nobody's", async () => {
      const find = (id: string) => call(world.admin, "get", `/api/keys/by-external-id/${encodeURIComponent(id)}`);
      expect((await find(world.nobodys.external_id).expect(200)).body.key_id).toBe(world.nobodys.key_id);
      await find(world.own.external_id).expect(404);
    });
  });

  it("two owners who put one external id at once get a key each, and nobody a third", async () => {
    const path = `/api/keys/by-external-id/${randomUUID()}`;
    const callers = [world.shop, world.bazaar, world.admin];
    const puts = Array.from({ length: 18 }, (_, index) => {
      const caller = callers[index % callers.length] ?? world.shop;
      return call(caller, "put", path)
        .send({ note: String(index) })
        .expect(200);
    });
    const ids = (await Promise.all(puts)).map(({ body }): number => body.key_id);
    expect(new Set(ids).size).toBe(3);
    for (const [index, caller] of callers.entries()) {
      expect(new Set(ids.filter((_, at) => at % callers.length === index)).size).toBe(1);
      expect((await call(caller, "get", path).expect(200)).body.key_id).toBe(ids[index]);
      await call(caller, "delete", path).expect(200);
    }
  });

  describe("an Idempotency-Key", () => {
    const create = async (caller: ContractTarget, key: string) => {
      const { body, headers } = await call(caller, "post", "/api/keys")
        .set("Idempotency-Key", key)
        .send({})
        .expect(200);
      return { keyId: Number(body.key_id), isReplayed: "idempotency-replayed" in headers };
    };

    it("is another one for each caller", async () => {
      const key = randomUUID();
      const [one, two, again] = [
        await create(world.shop, key),
        await create(world.bazaar, key),
        await create(world.shop, key),
      ];
      expect([one.isReplayed, two.isReplayed, again]).toEqual([false, false, { ...one, isReplayed: true }]);
      expect(two.keyId).not.toBe(one.keyId);
      await call(world.shop, "delete", `/api/keys/${one.keyId}`).expect(200);
      await call(world.bazaar, "delete", `/api/keys/${two.keyId}`).expect(200);
    });

    it("gives a token that was given to another owner no answer of before", async () => {
      const { id, caller } = await makeToken(world.admin, { name: randomUUID(), owner: world.owner.shop });
      const key = randomUUID();
      const before = await create(caller, key);
      await call(world.admin, "patch", `/api/tokens/${id}`).send({ owner: world.owner.bazaar }).expect(200);
      await vi.waitFor(() => call(caller, "get", `/api/keys/${before.keyId}`).expect(404), KNOWN_MS);
      const after = await create(caller, key);
      expect([after.isReplayed, after.keyId === before.keyId]).toEqual([false, false]);
      for (const { keyId } of [before, after]) await call(world.admin, "delete", `/api/keys/${keyId}`).expect(200);
    });
  });
}
