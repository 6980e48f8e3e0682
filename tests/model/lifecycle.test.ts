import { env } from "node:process";
import { expect, test } from "vitest";
import { runModel } from "./run-model.ts";

const runs = Number(env["VEIL_MODEL_RUNS"] ?? 300);
const firstSeed = Number(env["VEIL_MODEL_FIRST"] ?? 0);
const tracedSeed = env["VEIL_MODEL_SEED"];

const seeds =
  tracedSeed === undefined ? Array.from({ length: runs }, (_, index) => firstSeed + index) : [Number(tracedSeed)];
const trace = tracedSeed === undefined ? undefined : (line: string) => void process.stdout.write(`${line}\n`);
const LONGEST_RUN_MS = 3_600_000;

test("whatever fails, the promises about keys hold once all is well again", { timeout: LONGEST_RUN_MS }, async () => {
  const broken = new Map<string, Set<number>>();
  for (const seed of seeds) {
    const { violations } = await runModel({ seed, ...(trace && { trace }) });
    for (const { what } of violations) broken.set(what, (broken.get(what) ?? new Set()).add(seed));
  }
  expect([...broken].map(([what, by]) => `${what}: seeds ${[...by].join(", ")}`)).toEqual([]);
});

// In these a worker is paused while it waits for the config file, loses the key's lease, and goes on.
test.each([288, 392])("no user is removed after the key's lease was lost: seed %d", async (seed) => {
  const { violations } = await runModel({ seed, faults: ["worker paused", "config disk hangs", "calls delayed"] });
  expect(violations).toEqual([]);
});
