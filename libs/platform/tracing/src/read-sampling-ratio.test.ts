import { expect, it } from "vitest";
import { readSamplingRatio } from "./read-sampling-ratio.ts";

const read = (text?: string) => readSamplingRatio({ program: "api", env: { OTEL_TRACES_SAMPLER_ARG: text } });

it.each([
  [undefined, 1],
  ["", 1],
  ["0", 0],
  ["0.25", 0.25],
  ["1.0", 1],
])("takes %j for %d", (text, ratio) => {
  expect(read(text)).toBe(ratio);
});

it.each(["10%", "0,1", "5", "-0.1", " ", "NaN", "all"])("refuses %j", (text) => {
  expect(() => read(text)).toThrow(
    `OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not ${JSON.stringify(text)}; example: OTEL_TRACES_SAMPLER_ARG=0.1`,
  );
});
