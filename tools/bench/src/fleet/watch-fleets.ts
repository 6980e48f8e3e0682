import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchArguments, FleetArguments } from "../arguments.ts";
import { describeMachine } from "../harness/machine.ts";
import { placeTable } from "../harness/table.ts";
import type { BenchTestbed } from "../testbed/bench-testbed.ts";
import { startBenchTestbed } from "../testbed/start-bench-testbed.ts";
import { startEngines } from "../testbed/start-engines.ts";
import { type FleetRound, type FleetSummary, fleetTable, summarizeFleet } from "./fleet-table.ts";
import { watchQuietly } from "./watch-quietly.ts";

const DEFAULT_KEYS = 10_000;
/** First passes, sweeps and counts are over by then, and the loops are apart from each other. */
const QUIET_AFTER_MS = 45_000;

/** Measures what systems cost that nobody calls, one for each number of keys. */
export async function watchFleets(
  { keys, rounds, out, markdown, profileDir }: BenchArguments,
  fleet: FleetArguments,
  say: (line: string) => void,
): Promise<void> {
  const engines = await startEngines(say);
  const machine = describeMachine(engines.mongodbKind);
  const summaries: FleetSummary[] = [];
  try {
    for (const count of keys.length === 0 ? [DEFAULT_KEYS] : keys) {
      say(`a system with ${count} keys on ${fleet.nodes} nodes`);
      const testbed = await startBenchTestbed({ keys: count, ...fleet }, engines, absolute(profileDir));
      try {
        summaries.push(summarizeFleet({ keys: count, ...fleet }, await watchRounds(testbed, rounds, fleet.seconds)));
      } finally {
        await testbed.stop();
      }
    }
  } finally {
    await engines.stop();
  }
  const report = { at: new Date().toISOString(), rounds, machine, fleets: summaries };
  await mkdir(dirname(resolve(out)), { recursive: true });
  await writeFile(out, `${JSON.stringify(report, null, 2)}\n`);
  say(`\n${fleetTable(report)}`);
  if (markdown === null) return;
  const page = await readFile(markdown, "utf8");
  await writeFile(markdown, placeTable(page, `${machine.mongodb} fleet`, fleetTable(report)));
}

async function watchRounds(testbed: BenchTestbed, rounds: number, seconds: number): Promise<FleetRound[]> {
  await sleep(QUIET_AFTER_MS);
  const watched: FleetRound[] = [];
  for (let round = 0; round < rounds; round += 1) watched.push(await watchQuietly(testbed, seconds));
  return watched;
}

function absolute(path: string | null): string | null {
  return path === null ? null : resolve(path);
}
