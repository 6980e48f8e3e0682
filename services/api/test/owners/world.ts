import { randomUUID } from "node:crypto";
import type { Scope } from "@veil/tokens";
import { expect, vi } from "vitest";
import { z } from "zod";
import { answerOf, call, makeKey } from "../contract/bot.ts";
import type { ContractTarget } from "../contract-suite.ts";

/** A key, as a test knows it. */
export interface KnownKey {
  readonly key_id: number;
  readonly uuid: string;
  readonly external_id: string;
}

/** Callers of three owners on one installation, and what they have made. */
export interface World {
  /** Sees all. */
  readonly admin: ContractTarget;
  /** The caller of each test; has a key of its own. */
  readonly shop: ContractTarget;
  /** Whose key it is that is asked for. */
  readonly bazaar: ContractTarget;
  /** Has no key. */
  readonly empty: ContractTarget;
  readonly own: KnownKey;
  readonly foreign: KnownKey;
  /** A key of nobody: to callers with an owner as foreign as those of others. */
  readonly nobodys: KnownKey;
  /** The marks of foreign keys that filters ask for. */
  readonly foreignMarks: { readonly name: string; readonly tag: string; readonly group: string };
  /** Ids of jobs that `bazaar` has, one of each kind. */
  readonly foreignJobs: readonly string[];
  readonly foreignToken: { readonly id: string; readonly name: string };
  /** Gets no event: those that it asks for are nobody's. */
  readonly foreignWebhook: { readonly id: string };
  readonly owner: { readonly shop: string; readonly bazaar: string };
}

const accepted = z.object({ job_id: z.string() });
const madeWebhook = z.object({ id: z.string() });
const madeToken = z.object({ id: z.string(), token: z.string() });
/** Far away, so that no key ends while the tests run. */
const EXPIRES_AT = 4_000_000_000;

export async function makeToken(from: ContractTarget, body: { name: string; owner?: string; scopes?: Scope[] }) {
  const answer = await call(from, "post", "/api/tokens").send({ scopes: ["*"], ...body });
  expect(answerOf(answer)).toMatchObject({ status: 200 });
  const { id, token } = madeToken.parse(answer.body);
  return { id, caller: { ...from, secret: token } };
}

/** A webhook that asks for events of nodes, which no owner gets, so that nothing is ever sent. */
export async function makeWebhook(from: ContractTarget): Promise<{ readonly id: string }> {
  const body = { url: "https://bot.example.com/veil", types: ["node.down"] };
  const answer = await call(from, "post", "/api/webhooks").send(body);
  expect(answerOf(answer)).toMatchObject({ status: 200 });
  return madeWebhook.parse(answer.body);
}

/** Fills an installation that may hold other keys already. */
export async function makeWorld(admin: ContractTarget): Promise<World> {
  const unique = randomUUID().slice(0, 8);
  const owner = { shop: `shop ${unique}`, bazaar: `bazaar ${unique}` };
  const foreignName = `bazaar's ${unique}`;
  const [shop, bazaar, empty] = [
    await makeToken(admin, { name: `shop's ${unique}`, owner: owner.shop }),
    await makeToken(admin, { name: foreignName, owner: owner.bazaar }),
    await makeToken(admin, { name: `nothing's ${unique}`, owner: `nothing ${unique}` }),
  ];
  const foreignMarks = { name: `name ${unique}`, tag: `tag ${unique}`, group: `group ${unique}` };
  const marks = { name: foreignMarks.name, tag: foreignMarks.tag, groups: ["default", foreignMarks.group] };
  const make = async (from: ContractTarget, external_id: string, more: object = {}) => {
    const { key_id, uuid } = await makeKey(from, { external_id, expires_at: EXPIRES_AT, ...more });
    return { key_id, uuid, external_id };
  };
  const foreign = await make(bazaar.caller, `foreign ${unique}`, marks);
  const nobodys = await make(admin, `nobody's ${unique}`, marks);
  const own = await make(shop.caller, `own ${unique}`);
  const [created, changed, batch] = [
    await call(bazaar.caller, "post", "/api/keys").set("Prefer", "respond-async").send({ name: foreignMarks.name }),
    await call(bazaar.caller, "patch", `/api/keys/${foreign.key_id}`)
      .set("Prefer", "respond-async")
      .send({ note: "n" }),
    await call(bazaar.caller, "post", "/api/keys/batch-update").send({ filter: { all: true }, set: { note: "m" } }),
  ];
  const foreignJobs = [created, changed, batch].map(({ body }) => accepted.parse(body).job_id);
  for (const job of foreignJobs) await endOf(bazaar.caller, job);
  return {
    ...{ admin, shop: shop.caller, bazaar: bazaar.caller, empty: empty.caller },
    ...{ own, foreign, nobodys, foreignMarks, foreignJobs, owner },
    foreignToken: { id: bazaar.id, name: foreignName },
    foreignWebhook: await makeWebhook(bazaar.caller),
  };
}

const job = z.looseObject({ status: z.enum(["queued", "running", "succeeded", "failed"]) });

/** The end of a job, for a caller who may ask for it. */
export async function endOf(caller: ContractTarget, jobId: string) {
  return vi.waitFor(
    async () => {
      const answer = await call(caller, "get", `/api/jobs/${jobId}`);
      expect(answerOf(answer)).toMatchObject({ status: 200 });
      const body = job.parse(answer.body);
      expect(body.status).toMatch(/^succeeded$|^failed$/);
      return body;
    },
    { interval: 100 },
  );
}
