import { keyNameSchema } from "@veil/http-contract";
import { expect, it } from "vitest";
import { fitKeyName } from "./import-plan.ts";

it.each([null, "", "Анна 🌍", "👩‍👩‍👧‍👦".repeat(36)])("leaves %j, which the API takes, as it is", (name) => {
  expect(keyNameSchema.safeParse(name).success).toBe(true);
  expect(fitKeyName(name)).toBe(name);
});

it.each([
  ["is too long", "🌍".repeat(5_000), "🌍".repeat(255)],
  ["has control characters", "two\nlines\u0000\u0085", "twolines"],
  ["ends in half a letter", "half \ud83c", "half "],
])("makes of a name that %s one that the API takes", (_fault, name, fitted) => {
  expect(keyNameSchema.safeParse(name).success).toBe(false);
  expect(fitKeyName(name)).toBe(fitted);
  expect(keyNameSchema.safeParse(fitted).success).toBe(true);
});
