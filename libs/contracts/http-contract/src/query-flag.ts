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

/** Yes or no as it stands in a query. */
export function queryFlag(message: string, byDefault: boolean) {
  return z.preprocess((text) => words.get(text) ?? text, z.boolean(message).default(byDefault));
}
