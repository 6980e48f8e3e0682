import { afterAll, beforeAll, describe } from "vitest";
import { askRedis } from "./testbed/ask-redis.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import type { KillableProcess } from "@veil/engines";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { faultTest } from "./report/fault-test.ts";
import { WRITE_DEADLINE_MS } from "./rounds/key-round.ts";
import { outageRound, type ReadName } from "./rounds/outage-round.ts";

let testbed: FaultTestbed;

beforeAll(async () => {
  testbed = await startFaultTestbed();
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const everyRead: readonly ReadName[] = ["list", "get", "link", "traffic"];
const KNOWN_DOWN_MS = 2_000;

interface Case {
  readonly name: string;
  readonly target: () => KillableProcess | undefined;
  readonly away?: readonly string[];
  readonly writesWithinMs: number;
  readonly reads: readonly ReadName[];
}

/** A hanging worker keeps its connections, and looks to everybody like one that is slow. */
const cases = [
  {
    name: "xray",
    target: () => testbed.node.process,
    hangs: { writesWithinMs: KNOWN_DOWN_MS, reads: everyRead },
    isDead: { writesWithinMs: KNOWN_DOWN_MS, reads: everyRead },
  },
  {
    name: "mongodb",
    target: () => testbed.mongodb,
    hangs: { writesWithinMs: KNOWN_DOWN_MS, reads: [] },
    isDead: { writesWithinMs: KNOWN_DOWN_MS, reads: [] },
  },
  {
    name: "redis",
    target: () => testbed.redis,
    hangs: { writesWithinMs: KNOWN_DOWN_MS, reads: everyRead },
    isDead: { writesWithinMs: KNOWN_DOWN_MS, reads: everyRead },
  },
  {
    name: "xray-worker",
    target: () => testbed.workers[0]?.process,
    away: ["xray-worker"],
    hangs: { writesWithinMs: WRITE_DEADLINE_MS, reads: everyRead },
    isDead: { writesWithinMs: WRITE_DEADLINE_MS, reads: everyRead },
  },
  {
    name: "stats-collector",
    target: () => testbed.collectors[0]?.process,
    away: ["stats-collector"],
    hangs: { writesWithinMs: WRITE_DEADLINE_MS, reads: everyRead },
    isDead: { writesWithinMs: WRITE_DEADLINE_MS, reads: everyRead },
  },
] as const satisfies readonly (Pick<Case, "name" | "target" | "away"> & {
  readonly hangs: Pick<Case, "writesWithinMs" | "reads">;
  readonly isDead: Pick<Case, "writesWithinMs" | "reads">;
})[];

/** Redis is there, answers a PING, and takes no write. */
const refusals = [
  {
    name: "redis is full and refuses writes",
    begin: () => setMaxMemory("1mb"),
    end: () => setMaxMemory("512mb"),
  },
  {
    name: "redis is demoted and refuses writes",
    // Nobody listens there: it goes on with the data that it has, as one that has lost its new primary.
    begin: () => askRedis(testbed, (redis) => redis.replicaof("127.0.0.1", "1")).then(() => undefined),
    end: () => askRedis(testbed, (redis) => redis.replicaof("NO", "ONE")).then(() => undefined),
  },
] as const;

async function setMaxMemory(amount: string): Promise<void> {
  await askRedis(testbed, (redis) => redis.config("SET", "maxmemory", amount));
}

describe("outages", () => {
  for (const { name, target, hangs, isDead, ...one } of cases) {
    const away = "away" in one ? one.away : [];
    faultTest(
      `${name} hangs`,
      () => testbed.tally,
      async (run) => {
        const process = required(target());
        const begin = async () => process.pause();
        const end = async () => process.resume();
        await outageRound({ testbed, begin, end, away, ...hangs }, run);
      },
    );
    faultTest(
      `${name} is dead`,
      () => testbed.tally,
      async (run) => {
        const process = required(target());
        const [begin, end] = [() => process.kill(), () => process.start()];
        await outageRound({ testbed, begin, end, away, ...isDead }, run);
      },
    );
  }

  for (const { name, begin, end } of refusals) {
    faultTest(
      name,
      () => testbed.tally,
      (run) => outageRound({ testbed, begin, end, away: [], writesWithinMs: KNOWN_DOWN_MS, reads: everyRead }, run),
    );
  }
});

function required(target: KillableProcess | undefined): KillableProcess {
  if (target === undefined) throw new Error("there is no such process");
  return target;
}
