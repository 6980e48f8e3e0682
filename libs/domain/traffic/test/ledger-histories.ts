import * as fc from "fast-check";
import { type Command, Model } from "./ledger-model.ts";

/** Each property is held by so many histories, and has so long for it. */
export const RUNS = { numRuns: 1_500 };
export const LIMIT_MS = 180_000;

/** Histories of up to 300 commands. */
export function histories<T>(commands: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(commands, { maxLength: 300, size: "max" });
}

/** The model after a history, once every process has come to its end. */
export function run(commands: readonly Command[], withResets: boolean): Model {
  const model = new Model(withResets);
  for (const command of commands) model.apply(command);
  model.finish();
  return model;
}
