import { describe, expect, test } from "vitest";
import { backoffMs, jobOptions } from "./queue-options.ts";

const AT = 1_700_000_000_000;
const LATER_MS = 96_000;

/** How long a job is tried when each attempt fails at once, and waits as short as it may, in milliseconds. */
function triedFor({ attempts = 1 }: { readonly attempts?: number }): number {
  return Array.from({ length: attempts - 1 }, (_, made) => backoffMs(made + 1, () => 1)).reduce((a, b) => a + b, 0);
}

function sent(deadline: number, at = AT) {
  return { id: "job-1", requested_at: at, payload: { deadline, request_id: "r" } };
}

describe("a job that nobody waits for is tried until its deadline", () => {
  test.each(["create-key", "delete-keys", "update-keys", "create-node", "reset-traffic"] as const)("%s", (name) => {
    expect(triedFor(jobOptions(name, sent(AT + LATER_MS)))).toBeGreaterThanOrEqual(LATER_MS);
  });

  test("also in a micro-batch", () => {
    const bundle = [sent(AT + 5_000), sent(AT + 10 + LATER_MS, AT + 10), sent(AT + 5_000)];
    const options = jobOptions("create-key", { id: "bundle-1", requested_at: AT, payload: { bundle } });
    expect(triedFor(options)).toBeGreaterThanOrEqual(LATER_MS);
  });
});

test.each([
  ["somebody waits for", "create-key", 8_000, 12],
  ["came too late", "create-key", -1, 12],
  ["is read in time or not at all", "refresh-traffic", LATER_MS, 1],
  ["is made once", "test-webhook", LATER_MS, 1],
] as const)("a job that %s has the attempts of the catalogue", (_what, name, ms, attempts) => {
  expect(jobOptions(name, sent(AT + ms)).attempts).toBe(attempts);
});

test("a change of many keys, which is always answered before, is tried as long", () => {
  expect(triedFor(jobOptions("update-keys", sent(AT + 8_000)))).toBeGreaterThanOrEqual(LATER_MS);
});

test("a job without a deadline has the attempts of the catalogue", () => {
  const job = { id: "job-1", requested_at: AT, payload: { job: "create-1", request_id: "r" } };
  expect(jobOptions("cancel-creation", job).attempts).toBe(30);
});
