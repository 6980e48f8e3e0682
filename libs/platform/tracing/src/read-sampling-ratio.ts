import { readSettings, type ReadSettingsOptions } from "@veil/runtime";
import { z } from "zod";

const samplingSettings = z.object({
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .transform((text, context) => {
      const ratio = Number(text);
      if (text.trim() !== "" && ratio >= 0 && ratio <= 1) return ratio;
      context.addIssue("must be a number from 0 to 1");
      return z.NEVER;
    })
    .default(1)
    .meta({ example: "0.1" }),
});

/**
 * The part of the requests that is traced, 0–1; all of them unless `OTEL_TRACES_SAMPLER_ARG` says otherwise.
 *
 * @throws {SettingsError} when that is no number from 0 to 1
 */
export function readSamplingRatio(options: ReadSettingsOptions): number {
  return readSettings(samplingSettings, options).OTEL_TRACES_SAMPLER_ARG;
}
