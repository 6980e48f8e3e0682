import type { DesiredState, DesiredUser } from "@veil/keys";
import { beforeEach, expect, test } from "vitest";
import { SharedDesired } from "./shared-desired.ts";

let now: number;
let reads: number;
let shared: SharedDesired;

beforeEach(() => {
  now = 1_000_000;
  reads = 0;
  const state: DesiredState = {
    findDesired: async () => {
      reads += 1;
      return new Map<number, DesiredUser>();
    },
    findCreating: async () => [],
    hasDesired: async () => false,
  };
  shared = new SharedDesired(state, { now: () => now });
});

test("passes that come together share one read", async () => {
  const after = now - 30_000;
  await Promise.all([shared.recentDesired(after), shared.recentDesired(after)]);
  now += 9_000;
  await shared.recentDesired(after);
  expect(reads).toBe(1);
});

test("what is ten seconds old is read anew", async () => {
  await shared.findDesired();
  now += 10_000;
  await shared.recentDesired(0);
  expect(reads).toBe(2);
});

test("a read from before the moment that was named is not recent, however young it is", async () => {
  await shared.findDesired();
  now += 100;
  const passedAt = now;
  now += 5_000;
  await shared.recentDesired(passedAt);
  expect(reads).toBe(2);
  now += 1_000;
  await shared.recentDesired(passedAt);
  expect(reads).toBe(2);
});
