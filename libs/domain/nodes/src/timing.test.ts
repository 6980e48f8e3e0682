import { expect, test } from "vitest";
import { FLEET_LOOK_EVERY_MS, FLEET_LOOK_JITTER, KNOWN_TO_ALL_MS } from "./timing.ts";

/** What a look itself may take. */
const LOOK_TAKES_MS = 500;

test("a change of the nodes is known to all although nothing announced it and one look failed", () => {
  const longestPause = FLEET_LOOK_EVERY_MS * (1 + FLEET_LOOK_JITTER);
  expect(KNOWN_TO_ALL_MS).toBeGreaterThanOrEqual(2 * longestPause + LOOK_TAKES_MS);
});

test("every process knows of a change within the two seconds that documents promise", () => {
  expect(FLEET_LOOK_EVERY_MS * (1 + FLEET_LOOK_JITTER) + LOOK_TAKES_MS).toBeLessThanOrEqual(2_000);
});
