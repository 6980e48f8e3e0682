import { createLogger } from "@veil/runtime";
import { beforeEach, expect, it, vi } from "vitest";
import { type CounterSigns, UserCounterCheck } from "./user-counter-check.ts";

let said: string[];
let asked: number;
let check: UserCounterCheck;

beforeEach(() => {
  said = [];
  asked = 0;
  const log = createLogger({ service: "test", version: "0", level: "silent" });
  for (const level of ["info", "warn"] as const) {
    vi.spyOn(log, level).mockImplementation(
      (...[, message]: unknown[]) => void said.push(`${level}: ${String(message)}`),
    );
  }
  check = new UserCounterCheck("main", log);
});

function look(signs: Partial<CounterSigns>, hasUserCounters = false): Promise<void> {
  return check.look({ uptimeSeconds: 10, sent: 0, hasKeys: true, ...signs }, async () => {
    asked += 1;
    return hasUserCounters;
  });
}

const WARNING = "warn: the node does not count its users' traffic";

it.each([
  ["nothing went through its inbound", {}],
  ["its inbound has no counter, and it runs for half an hour", { sent: null, uptimeSeconds: 1_800 }],
  ["its inbound has no counter, and there is no key", { sent: null, uptimeSeconds: 7_200, hasKeys: false }],
])("says nothing of a node without user counters when %s", async (_case, signs) => {
  await look(signs);
  expect([check.uncounted, said, asked]).toEqual([false, [], 0]);
});

it.each<[string, Partial<CounterSigns>]>([
  ["its inbound has sent bytes", { sent: 1 }],
  ["its inbound has no counter, and it runs for two hours with keys", { sent: null, uptimeSeconds: 7_200 }],
  ["Xray has no counters at all", { sent: "refused" }],
])("warns once of a node without user counters when %s", async (_case, signs) => {
  for (let times = 0; times < 3; times++) await look(signs);
  expect([check.uncounted, said]).toEqual([true, [WARNING]]);
});

it("asks for all users' counters no more once it has seen some", async () => {
  for (let times = 0; times < 3; times++) await look({ sent: 5 }, true);
  expect([check.uncounted, said, asked]).toEqual([false, [], 1]);
});

it("keeps its finding over a restart until a user is counted, and warns anew after that", async () => {
  await look({ sent: 5, uptimeSeconds: 50 });
  await look({ sent: 0, uptimeSeconds: 1 });
  expect(check.uncounted).toBe(true);
  await look({ sent: 5, uptimeSeconds: 2 }, true);
  expect(check.uncounted).toBe(false);
  await look({ sent: 5, uptimeSeconds: 1 });
  expect(said).toEqual([WARNING, "info: the node counts its users' traffic", WARNING]);
});
