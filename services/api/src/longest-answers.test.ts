import { randomInt } from "node:crypto";
import { firstTerms } from "@veil/keys";
import { afterEach, beforeEach, expect, it } from "vitest";
import { answerOf, call, failure } from "../test/contract/bot.ts";
import { type InMemoryApi, startInMemoryApi } from "../test/in-memory/start-in-memory-api.ts";

const CREATED_AT = 1_703_520_000;
const KEYS = 1_000;
/** Code points of one byte that stand for themselves in JSON. */
const PRINTABLE = Array.from({ length: 95 }, (_, index) => 0x20 + index).filter(
  (code) => JSON.stringify(String.fromCodePoint(code)).length === 3,
);

let api: InMemoryApi;

beforeEach(async () => {
  api = await startInMemoryApi();
});
afterEach(async () => {
  await api.close();
});

/** Text that compression makes hardly shorter. */
function noise(characters: number): string {
  return textOf(characters, () => PRINTABLE[randomInt(PRINTABLE.length)] ?? 0);
}

/** The longest text of so many characters, four bytes for each. */
function longest(characters: number): string {
  return textOf(characters, () => randomInt(0x1_00_00, 0x10_ff_fe));
}

function textOf(characters: number, character: () => number): string {
  return String.fromCodePoint(...Array.from({ length: characters }, character));
}

/** As long as keys can be, made by many changes: longer together than any batch that creates them. */
function addLongestKeys(): number[] {
  const calendar = { createdAt: CREATED_AT, nextResetAt: null };
  return Array.from({ length: KEYS }, () => {
    const groups = Array.from({ length: 64 }, () => longest(32));
    const terms = firstTerms({ note: longest(1_000), groups }, calendar);
    return api.plane.addKey({ name: longest(255), createdAt: CREATED_AT, terms }).keyId;
  });
}

it("keeps the answer of the largest batch, whatever is in it", async () => {
  const groups = () => Array.from({ length: 41 }, () => noise(64));
  const keys = Array.from({ length: KEYS }, () => ({ name: noise(255), note: noise(1_000), groups: groups() }));
  expect(JSON.stringify({ keys }).length).toBeGreaterThan(4_000_000);
  const send = () => call(api, "post", "/api/keys/batch").set("Idempotency-Key", "largest").send({ keys });
  const first = await send().expect(200);
  expect(first.body).toMatchObject({ succeeded: KEYS, failed: 0 });
  const again = await send().expect(200);
  expect(again.headers["idempotency-replayed"]).toBe("true");
  expect(again.body).toEqual(first.body);
});

it("says so to a repeat when an answer was too long to be kept, and does nothing again", async () => {
  const keyIds = addLongestKeys();
  const send = () =>
    call(api, "post", "/api/keys/batch-delete").set("Idempotency-Key", "long").send({ key_ids: keyIds });
  expect((await send().expect(200)).body).toMatchObject({ succeeded: KEYS, failed: 0 });
  const { length: jobs } = api.plane.jobs.submitted;
  for (let repeat = 0; repeat < 2; repeat += 1) {
    const again = await send();
    expect(answerOf(again)).toEqual(
      failure(422, /was carried out and answered 200; its answer was too long to be kept/),
    );
    expect(again.headers["idempotency-replayed"]).toBe("true");
  }
  expect(api.plane.jobs.submitted).toHaveLength(jobs);
});

it("shows a job as done whose result was too long to be kept", async () => {
  const keyIds = addLongestKeys();
  const accepted = await call(api, "post", "/api/keys/batch-delete")
    .set("Prefer", "respond-async")
    .send({ key_ids: keyIds })
    .expect(202);
  // Until it is complete, a job that has ended tells its result itself.
  const ask = async () => {
    const { result, ...job } = (await call(api, "get", accepted.headers["location"] ?? "").expect(200)).body;
    return { ...job, hasResult: result !== undefined };
  };
  await expect.poll(ask).toEqual({ job_id: accepted.body.job_id, status: "succeeded", hasResult: false });
});
