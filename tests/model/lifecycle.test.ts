import { env } from "node:process";
import { expect, test } from "vitest";
import { runModel } from "./run-model.model.ts";

const runs = Number(env["VEIL_MODEL_RUNS"] ?? 150);
const firstSeed = Number(env["VEIL_MODEL_FIRST"] ?? 0);
const tracedSeed = env["VEIL_MODEL_SEED"];

test.runIf(tracedSeed === undefined)(
  "whatever fails, the promises about keys hold once all is well again",
  async () => {
    const broken = new Map<string, number[]>();
    let steps = 0;
    for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
      const result = await runModel({ seed });
      steps += result.steps;
      for (const { what } of result.violations) {
        const seeds = broken.get(what) ?? [];
        if (!seeds.includes(seed)) broken.set(what, [...seeds, seed]);
      }
    }
    console.log(steps, process.cpuUsage().user / 1e6);
    for (const [w, s] of broken) console.log(String(s.length).padStart(6), w, s.slice(0, 8).join(" "));
    console.log("broken seeds", new Set([...broken.values()].flat()).size);
    expect([...broken.keys()]).toEqual([]);
  },
  3_600_000,
);

test.runIf(tracedSeed !== undefined)("the trace of one seed", async () => {
  const result = await runModel({ seed: Number(tracedSeed), trace: (line) => process.stdout.write(`${line}\n`) });
  expect(result.violations).toEqual([]);
});
