import { InMemoryNodeLivesStore, InMemoryTrafficStore } from "@veil/traffic/testing";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import {
  histories,
  historiesWithCounterResets,
  historiesWithMultipliers,
  historiesWithNewSettings,
  nameOfTwoProcesses,
  refreshLeftBehind,
} from "../test/model/happenings.ts";
import {
  expectCountsOn,
  expectEveryByteOnce,
  expectExactResets,
  expectKeysOnce,
  expectMultiplied,
  live,
} from "../test/model/promises.ts";
import type { WorldOptions } from "../test/model/world.ts";

const HAPPENINGS = 700;
/** Not shrunk, as that takes minutes; seed and path of a failure repeat it. */
const RUNS = { numRuns: 100, endOnFailure: true };
const LIMIT_MS = 60_000;
/** So near to each other that a byte shows that is lost, or counts twice. */
const MULTIPLIERS = [99.9, 100];

function inMemory(resetJobs: readonly string[]): WorldOptions {
  return { records: new InMemoryTrafficStore(), lives: new InMemoryNodeLivesStore(), resetJobs, restingSteps: 1_500 };
}

/**
 * The real collectors, interleaved at every call they make, on nodes that restart, go away and lose their mark, with calls
 * and stores whose replies are lost, and collectors that crash and pause in between.
 */
describe("collectors, whatever overlaps and dies", () => {
  it(
    "count every byte once and lose only what Xray counted after the last complete reading",
    async () => {
      const property = fc.asyncProperty(histories(HAPPENINGS), async (history) => {
        await expectEveryByteOnce(await live(history, inMemory([])));
      });
      await fc.assert(property, { ...RUNS, examples: [[refreshLeftBehind()]] });
    },
    LIMIT_MS,
  );

  it(
    "reset once a job: one answer, and only later bytes afterwards",
    async () => {
      const property = fc.asyncProperty(histories(HAPPENINGS), async (history) => {
        const world = await live(history, inMemory(["reset-1", "reset-1", "reset-2"]));
        await expectExactResets(world);
        await expectEveryByteOnce(world);
      });
      await fc.assert(property, RUNS);
    },
    LIMIT_MS,
  );

  it(
    "count every byte once while nodes are renamed, moved, swapped and listed twice",
    async () => {
      const property = fc.asyncProperty(historiesWithNewSettings(HAPPENINGS), async (history) => {
        const world = await live(history, inMemory(["reset-1", "reset-1", "reset-2"]));
        await expectExactResets(world);
        await expectKeysOnce(world);
      });
      await fc.assert(property, { ...RUNS, examples: [[nameOfTwoProcesses("added")], [nameOfTwoProcesses("read")]] });
    },
    LIMIT_MS,
  );

  it(
    "multiply keys' bytes by what a node's count as, and its own by nothing",
    async () => {
      const jobs = fc.constantFrom<readonly string[]>([], ["reset-1", "reset-1", "reset-2"]);
      const property = fc.asyncProperty(
        historiesWithMultipliers(HAPPENINGS, MULTIPLIERS),
        jobs,
        async (history, resets) => {
          const world = await live(history, { ...inMemory(resets), multiplier: 100 });
          await expectEveryByteOnce(world, { smallest: 99.9, largest: 100, rounding: 100 });
          await expectMultiplied(world, 0);
          await expectMultiplied(world, 4);
        },
      );
      await fc.assert(property, RUNS);
    },
    LIMIT_MS,
  );

  it(
    "count nothing twice when somebody else resets counters, and go on counting",
    async () => {
      const jobs = fc.constantFrom<readonly string[]>([], ["reset-1", "reset-1", "reset-2"]);
      const property = fc.asyncProperty(historiesWithCounterResets(HAPPENINGS), jobs, async (history, resetJobs) => {
        await expectCountsOn(await live(history, inMemory(resetJobs)));
      });
      await fc.assert(property, RUNS);
    },
    LIMIT_MS,
  );
});
