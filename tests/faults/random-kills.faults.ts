import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { keepBusy } from "./load/keep-busy.ts";
import { Random } from "./load/random.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import type { KillableProcess } from "@veil/engines";
import { checkAnswers } from "./invariants/check-answers.ts";
import { checkConnections } from "./invariants/check-connections.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { newBook, outcomesOf, WRITE_DEADLINE_MS } from "./rounds/key-round.ts";

let testbed: FaultTestbed;

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 3, collectors: 2 });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const seed = Number(process.env["VEIL_FAULT_SEED"] ?? 1);
const CALLERS = 8;
const KILLS_FOR_MS = 60_000;

faultTest(
  "kill -9 of anything at random for 60 s, under load",
  () => testbed.tally,
  async (run) => {
    await killAtRandom(testbed.processes, true, run);
  },
);

faultTest(
  "kill -9 of anything but the API at random for 60 s, under load",
  () => testbed.tally,
  async (run) => {
    await killAtRandom(
      testbed.processes.filter(({ name }) => name !== "api"),
      false,
      run,
    );
  },
);

async function killAtRandom(
  targets: readonly KillableProcess[],
  mayStayUnanswered: boolean,
  run: FaultRun,
): Promise<void> {
  const random = new Random(seed);
  const book = newBook(testbed);
  const load = keepBusy(book, random, CALLERS);
  const until = performance.now() + KILLS_FOR_MS;
  while (performance.now() < until) {
    await sleep(random.between(200, 3_000));
    const target = random.pick(targets);
    await target.kill();
    await sleep(random.between(0, 1_500));
    await target.start();
    run.rounds += 1;
  }
  await load.stop();
  run.notes.push(outcomesOf(book.caller.asked));
  checkAnswers(book.caller.asked, { withinMs: WRITE_DEADLINE_MS, mayStayUnanswered }, run.findings);
  await checkKeys(testbed, book.stories, run.findings);
  await checkConnections(testbed, book.stories, run.findings);
}
