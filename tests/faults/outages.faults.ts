import { afterAll, beforeAll, describe } from "vitest";
import { type Plant, startPlant } from "./plant/start-plant.ts";
import type { Victim } from "./plant/victim.ts";
import { becomeQuiet } from "./promises/wait-until-quiet.ts";
import { faultTest } from "./report/fault-test.ts";
import { writeDeadlineMs } from "./rounds/key-round.ts";
import { outageRound, type ReadName } from "./rounds/outage-round.ts";

let plant: Plant;

beforeAll(async () => {
  plant = await startPlant();
  await becomeQuiet(plant);
});

afterAll(() => plant.stop());

const everyRead: readonly ReadName[] = ["list", "get", "link", "traffic"];
const knownDownMs = 2_000;

interface Case {
  readonly name: string;
  readonly victim: () => Victim | undefined;
  readonly away?: readonly string[];
  readonly writesWithinMs: number;
  readonly reads: readonly ReadName[];
}

/** A hanging worker keeps its connections, and looks to everybody like one that is slow. */
const cases = [
  {
    name: "xray",
    victim: () => plant.node.process,
    hangs: { writesWithinMs: knownDownMs, reads: everyRead },
    isDead: { writesWithinMs: knownDownMs, reads: everyRead },
  },
  {
    name: "mongodb",
    victim: () => plant.engines.mongodb,
    hangs: { writesWithinMs: knownDownMs, reads: [] },
    isDead: { writesWithinMs: knownDownMs, reads: [] },
  },
  {
    name: "redis",
    victim: () => plant.engines.redis,
    hangs: { writesWithinMs: knownDownMs, reads: everyRead },
    isDead: { writesWithinMs: knownDownMs, reads: everyRead },
  },
  {
    name: "xray-worker",
    victim: () => plant.workers[0]?.process,
    away: ["xray-worker"],
    hangs: { writesWithinMs: writeDeadlineMs, reads: everyRead },
    isDead: { writesWithinMs: writeDeadlineMs, reads: everyRead },
  },
  {
    name: "stats-collector",
    victim: () => plant.collectors[0]?.process,
    away: ["stats-collector"],
    hangs: { writesWithinMs: writeDeadlineMs, reads: everyRead },
    isDead: { writesWithinMs: writeDeadlineMs, reads: everyRead },
  },
] as const satisfies readonly (Pick<Case, "name" | "victim" | "away"> & {
  readonly hangs: Pick<Case, "writesWithinMs" | "reads">;
  readonly isDead: Pick<Case, "writesWithinMs" | "reads">;
})[];

describe("outages", () => {
  for (const { name, victim, hangs, isDead, ...one } of cases) {
    const away = "away" in one ? one.away : [];
    faultTest(
      `${name} hangs`,
      () => plant.tally,
      async (run) => {
        const process = required(victim());
        const begin = async () => process.pause();
        const end = async () => process.resume();
        await outageRound({ plant, begin, end, away, ...hangs }, run);
      },
    );
    faultTest(
      `${name} is dead`,
      () => plant.tally,
      async (run) => {
        const process = required(victim());
        const [begin, end] = [() => process.kill(), () => process.start()];
        await outageRound({ plant, begin, end, away, ...isDead }, run);
      },
    );
  }
});

function required(victim: Victim | undefined): Victim {
  if (victim === undefined) throw new Error("there is no such process");
  return victim;
}
