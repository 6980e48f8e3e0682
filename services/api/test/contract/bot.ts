import { endpoints } from "@veil/http-contract";
import request from "supertest";
import { expect } from "vitest";
import type { ContractTarget } from "../contract-suite.ts";

type Method = "get" | "head" | "post" | "put" | "patch" | "delete" | "options";

/** Sends a request as a bot does. */
export function call({ baseUrl, secret }: ContractTarget, method: Method, path: string) {
  return request(baseUrl)[method](path).set("Authorization", `Bearer ${secret}`);
}

/** Sends a body exactly as given. */
export async function postRaw(target: ContractTarget, path: string, contentType: string | null, body: string | Buffer) {
  const headers: Record<string, string> = { Authorization: `Bearer ${target.secret}` };
  if (contentType !== null) headers["Content-Type"] = contentType;
  const response = await fetch(`${target.baseUrl}${path}`, { method: "POST", headers, body: Buffer.from(body) });
  const answer: unknown = await response.json();
  return { status: response.status, body: answer };
}

export interface MadeKey {
  readonly key_id: number;
  readonly uuid: string;
  readonly name: string | null;
  readonly created_at: number;
}

/** Makes a key and checks the answer's form. */
export async function makeKey(target: ContractTarget, body: object = {}): Promise<MadeKey> {
  const response = await call(target, "post", "/api/keys").send(body);
  expect(answerOf(response)).toMatchObject({ status: 200 });
  return endpoints.createKey.success.schema.parse(response.body);
}

export async function dropKey(target: ContractTarget, key: Pick<MadeKey, "key_id">): Promise<void> {
  await call(target, "delete", `/api/keys/${key.key_id}`).expect(200);
}

/** The part of an answer that matters, shown whole when a test fails. */
export function answerOf({ status, body }: { readonly status: number; readonly body: unknown }): object {
  return { status, body };
}

/** An error in exactly the contract's form, for `toEqual`. */
export function failure(status: number, detail?: string | RegExp): object {
  const text: unknown = detail instanceof RegExp ? expect.stringMatching(detail) : (detail ?? expect.any(String));
  return { status, body: { detail: text } };
}

/** An id that no key has: ids grow by small steps. */
export const UNKNOWN_ID = 9_007_199_254_740_991;
