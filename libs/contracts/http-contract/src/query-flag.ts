import { z } from "zod";

/** As JavaScript and Go write them, as Python does, and as PHP does. */
const words = new Map<unknown, boolean>([
  ["true", true],
  ["True", true],
  ["1", true],
  ["false", false],
  ["False", false],
  ["0", false],
]);

/** The flag that a word of a query stands for; the word itself where it is none. */
export function flagOfQuery(text: unknown): unknown {
  return words.get(text) ?? text;
}

/** Yes or no as it stands in a query. */
export function queryFlag(message: string, byDefault: boolean) {
  return z.preprocess(flagOfQuery, z.boolean(message).default(byDefault));
}
