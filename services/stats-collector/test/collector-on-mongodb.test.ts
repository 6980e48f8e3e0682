import type { MongoStore } from "@veil/mongo";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, inject, it } from "vitest";
import { ownMongodb } from "./engines/own-mongodb.ts";
import { histories, historiesWithCounterResets, historiesWithNewSettings } from "./model/happenings.ts";
import { expectCountsOn, expectEveryByteOnce, expectExactResets, expectKeysOnce, live } from "./model/promises.ts";
import type { WorldOptions } from "./model/world.ts";

const HAPPENINGS = 250;
/** Not shrunk, as that takes minutes; seed and path of a failure repeat it. */
const RUNS = { numRuns: 8, endOnFailure: true };
const RESET_JOBS = ["reset-1", "reset-1", "reset-2"];

let mongodb: MongoStore;
let drop: () => Promise<void>;

beforeAll(async () => {
  ({ mongodb, drop } = await ownMongodb(inject("mongodbUri")));
});

afterAll(() => drop());

async function emptyStores(): Promise<WorldOptions> {
  for (const name of ["traffic", "node_epochs", "process_lives"])
    await mongodb.connection.collection(name).deleteMany({});
  return {
    records: mongodb.traffic,
    lives: mongodb.nodeLives,
    resetJobs: RESET_JOBS,
    restingSteps: 250,
  };
}

/** The histories of `src/collector.property.test.ts`, fewer and shorter, on the real store. */
describe("collectors on MongoDB, whatever overlaps and dies", () => {
  it("count every byte once and reset once a job", async () => {
    const property = fc.asyncProperty(histories(HAPPENINGS), async (history) => {
      const world = await live(history, await emptyStores());
      await expectExactResets(world);
      await expectEveryByteOnce(world);
    });
    await fc.assert(property, RUNS);
  });

  it("count every byte once while nodes are renamed, moved, swapped and listed twice", async () => {
    const property = fc.asyncProperty(historiesWithNewSettings(HAPPENINGS), async (history) => {
      const world = await live(history, await emptyStores());
      await expectExactResets(world);
      await expectKeysOnce(world);
    });
    await fc.assert(property, RUNS);
  });

  it("count nothing twice when somebody else resets counters, and go on counting", async () => {
    const property = fc.asyncProperty(historiesWithCounterResets(HAPPENINGS), async (history) => {
      await expectCountsOn(await live(history, await emptyStores()));
    });
    await fc.assert(property, RUNS);
  });
});
