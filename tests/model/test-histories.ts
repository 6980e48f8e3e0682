import { env, stderr } from "node:process";
import { expect, test } from "vitest";
import { type ModelOptions, runModel } from "./run-model.ts";

/** Test files among which the seeds are dealt out, so that they run side by side. */
const PARTS = 4;
const LONGEST_RUN_MS = 24 * 3_600_000;
const REPORT_EVERY = 1_000;

const runs = Number(env["VEIL_MODEL_RUNS"] ?? 1_500);
const firstSeed = Number(env["VEIL_MODEL_FIRST"] ?? 0);
const givenSkewMs = env["VEIL_MODEL_SKEW"];
const tracedSeed = env["VEIL_MODEL_SEED"];

/** In each third history machines' clocks are far from right, and set now and then. */
const FAR_FROM_RIGHT_MS = 10_000;

/** In each fifth history callers repeat changes under an `Idempotency-Key`. */
const REPEATED_IN = 5;

function optionsOf(seed: number): ModelOptions {
  return { seed, devices: true, repeats: seed % REPEATED_IN === 0, ...clocksOf(seed) };
}

function clocksOf(seed: number): { readonly skewMs?: number } {
  if (givenSkewMs !== undefined) return { skewMs: Number(givenSkewMs) };
  return seed % 3 === 0 ? { skewMs: FAR_FROM_RIGHT_MS } : {};
}

/** Registers a part of the histories that `npm run test:model` describes. @param part from 0 */
export function testHistories(part: number): void {
  if (tracedSeed !== undefined) return testTraced(Number(tracedSeed), part);
  const seeds = Array.from({ length: runs }, (_, index) => firstSeed + index).filter((seed) => seed % PARTS === part);
  test("whatever fails, the promises about keys hold once all is well again", { timeout: LONGEST_RUN_MS }, async () => {
    const broken = new Map<string, Set<number>>();
    for (const [index, seed] of seeds.entries()) {
      const { violations } = await runModel(optionsOf(seed));
      for (const { what, detail } of violations) {
        broken.set(what, (broken.get(what) ?? new Set()).add(seed));
        // At once: thousands of histories take hours.
        stderr.write(`seed ${seed}: ${what}: ${detail}\n`);
      }
      if ((index + 1) % REPORT_EVERY === 0) stderr.write(`part ${part}: ${index + 1} of ${seeds.length} histories\n`);
    }
    expect([...broken].map(([what, by]) => `${what}: seeds ${[...by].join(", ")}`)).toEqual([]);
  });
}

function testTraced(seed: number, part: number): void {
  test.runIf(seed % PARTS === part)(`the history of seed ${seed}`, { timeout: LONGEST_RUN_MS }, async () => {
    const trace = (line: string) => void process.stdout.write(`${line}\n`);
    expect((await runModel({ ...optionsOf(seed), trace })).violations).toEqual([]);
  });
}
