import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type BenchArguments, readArguments, USAGE } from "./arguments.ts";
import { allCases } from "./cases/all-cases.ts";
import { Bench } from "./harness/bench.ts";
import type { BenchCase } from "./harness/bench-case.ts";
import { describeMachine } from "./harness/machine.ts";
import { type BenchReport, markdownTable, placeTable, plainTable } from "./harness/table.ts";
import { runCase } from "./harness/run-case.ts";
import { type CaseSummary, summarize } from "./harness/summarize.ts";
import { watchFleets } from "./fleet/watch-fleets.ts";
import { startEngines } from "./testbed/start-engines.ts";

// Everything that was started here ends with this process, which it does only when it exits by itself.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const say = (line: string) => console.log(line);

try {
  await main(readArguments(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n\n${USAGE}` : error);
  process.exitCode = 1;
}

async function main(options: BenchArguments): Promise<void> {
  if (options.fleet !== null) return watchFleets(options, options.fleet, say);
  const chosen = choose(options);
  if (options.list) {
    for (const { benchCase, keys } of chosen) say(`${benchCase.name.padEnd(22)} ${benchCase.title(keys)}`);
    return;
  }
  const engines = await startEngines(say);
  const bench = new Bench({
    engines,
    quick: options.quick,
    rounds: options.rounds,
    profileDir: absolute(options.profileDir),
    say,
  });
  const machine = describeMachine(engines.mongodbKind);
  const cases: CaseSummary[] = [];
  const report = (): BenchReport => ({
    at: new Date().toISOString(),
    quick: options.quick,
    rounds: options.rounds,
    machine,
    cases,
  });
  try {
    let group = "";
    for (const [index, { benchCase, keys }] of chosen.entries()) {
      if (benchCase.group !== group) await bench.endTestbeds();
      group = benchCase.group;
      say(`${index + 1} of ${chosen.length}: ${benchCase.title(keys)}`);
      try {
        cases.push(summarize(benchCase, keys, await runCase(benchCase, keys, bench, options.rounds)));
      } catch (error) {
        console.error(error);
        process.exitCode = 1;
      }
      await writeReport(options.out, report());
    }
  } finally {
    await bench.endTestbeds();
    await engines.stop();
  }
  say(`\n${plainTable(report())}`);
  if (options.markdown !== null) {
    const page = await readFile(options.markdown, "utf8");
    const place = options.keys.length > 0 ? `${machine.mongodb} growth` : machine.mongodb;
    await writeFile(options.markdown, placeTable(page, place, markdownTable(report())));
  }
}

interface ChosenCase {
  readonly benchCase: BenchCase;
  readonly keys: number;
}

/** The cases with their sizes, those with as many keys together. */
function choose({ cases, keys, quick }: BenchArguments): readonly ChosenCase[] {
  for (const name of cases) {
    if (!allCases.some((known) => known.name === name)) throw new TypeError(`there is no case ${name}`);
  }
  const chosen = allCases.filter(({ name }) => cases.length === 0 || cases.includes(name));
  if (keys.length > 0) return keys.flatMap((count) => chosen.map((benchCase) => ({ benchCase, keys: count })));
  return chosen.map((benchCase) => ({ benchCase, keys: quick ? benchCase.keys.quick : benchCase.keys.full }));
}

async function writeReport(file: string, report: BenchReport): Promise<void> {
  await mkdir(dirname(resolve(file)), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}

function absolute(path: string | null): string | null {
  return path === null ? null : resolve(path);
}
