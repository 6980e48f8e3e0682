import { randomUUID } from "node:crypto";
import type { Endpoint } from "@veil/http-contract";
import { expect } from "vitest";
import { call, UNKNOWN_ID } from "../contract/bot.ts";
import type { ContractTarget } from "../contract-suite.ts";
import { endOf, type World } from "./world.ts";

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** Headers that differ in any two answers. */
const OF_EACH_ANSWER = ["date", "x-request-id", "content-length", "etag"];

/** An answer without what it repeats of its request, so that two may be compared. */
export function plain({ status, body, headers }: Answer, named: string | number): object {
  const text = JSON.stringify(body).replaceAll(JSON.stringify(String(named)).slice(1, -1), "<named>");
  const names = Object.keys(headers).filter((name) => !OF_EACH_ANSWER.includes(name));
  return { status, body: text, hasTag: "etag" in headers, headers: names.toSorted() };
}

type Access = Pick<Endpoint, "method" | "path" | "takesIfMatch">;

async function send(
  caller: ContractTarget,
  { method, path, takesIfMatch }: Access,
  ref: string | number,
  body: object | undefined,
) {
  const url = path.replace(/\{\w+\}/, encodeURIComponent(ref));
  const ofChange = takesIfMatch === true ? { "If-Match": '"999-0123456789abcdef"' } : {};
  return [
    await call(caller, method, url).send(body),
    await call(caller, method, url)
      .set(method === "get" ? { "If-None-Match": "*" } : ofChange)
      .send(body),
  ] as const;
}

/** The answer to the same request when it is answered later. */
async function later(caller: ContractTarget, { method, path }: Access, ref: string | number, body: object | undefined) {
  const url = path.replace(/\{\w+\}/, encodeURIComponent(ref));
  const answer = await call(caller, method, url).set("Prefer", "respond-async").send(body);
  if (answer.status !== 202) return plain(answer, ref);
  const { status, detail } = await endOf(caller, String(answer.body.job_id));
  return plain({ status: 202, body: { status, detail }, headers: answer.headers }, ref);
}

/** That what belongs to others is answered in every way as what there is not: 404. */
export async function expectUnknown(
  caller: ContractTarget,
  endpoint: Access,
  [foreign, unknown]: readonly [string | number, string | number],
  body?: object,
): Promise<void> {
  const asked = await send(caller, endpoint, foreign, body);
  const expected = await send(caller, endpoint, unknown, body);
  const answers = asked.map((answer) => plain(answer, foreign));
  expect(answers).toEqual(expected.map((answer) => plain(answer, unknown)));
  expect(asked.map(({ status }) => status)).toEqual([404, 404]);
  if (endpoint.method === "get") return;
  expect(await later(caller, endpoint, foreign, body)).toEqual(await later(caller, endpoint, unknown, body));
}

/** {@link expectUnknown} of the foreign keys, by their ids and by their UUIDs. */
export async function expectUnknownKeys({ shop, foreign, nobodys }: World, endpoint: Access, body?: object) {
  for (const key of [foreign, nobodys]) {
    await expectUnknown(shop, endpoint, [key.key_id, UNKNOWN_ID], body);
    await expectUnknown(shop, endpoint, [key.uuid, randomUUID()], body);
  }
}

/** {@link expectUnknown} of the foreign keys by their external ids. */
export async function expectUnknownExternalIds({ shop, foreign, nobodys }: World, endpoint: Access) {
  for (const key of [foreign, nobodys]) await expectUnknown(shop, endpoint, [key.external_id, randomUUID()]);
}
