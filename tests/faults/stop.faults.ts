import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import type { Asked } from "./load/caller.ts";
import { keepBusy } from "./load/keep-busy.ts";
import { keepReading } from "./load/keep-reading.ts";
import { Random } from "./load/random.ts";
import { STOP_DEADLINE_MS, type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import type { KillableProcess, Stopped } from "@veil/engines";
import { checkAnswers } from "./invariants/check-answers.ts";
import { checkConnections } from "./invariants/check-connections.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { stallsIn } from "./invariants/stalled-jobs.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { newBook, WRITE_DEADLINE_MS } from "./rounds/key-round.ts";

let testbed: FaultTestbed;

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 2, collectors: 2 });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const ROUNDS = 4;
const CALLERS = 8;
const LOADED_FOR_MS = 1_500;

faultTest(
  "SIGTERM of the only api",
  () => testbed.tally,
  async (run) => {
    for (let round = 0; round < 2; round += 1) await stopUnderLoad(testbed.api.process, "made before", run);
  },
);

faultTest(
  "SIGTERM of one of two xray-workers",
  () => testbed.tally,
  async (run) => {
    for (const { process } of testbed.workers) await stopUnderLoad(process, "any", run);
  },
);

faultTest(
  "SIGTERM of one of two stats-collectors",
  () => testbed.tally,
  async (run) => {
    for (const { process } of testbed.collectors) await stopUnderLoad(process, "any", run);
  },
);

/** Stops a service under load and starts it again, some times. No request may fail, or none that was made before. */
async function stopUnderLoad(
  process: KillableProcess,
  mayNotFail: "any" | "made before",
  run: FaultRun,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const book = newBook(testbed);
    const [first] = await book.createMany(1);
    const load = keepBusy(book, new Random(round), CALLERS);
    const reading = keepReading(book.caller, book.keyIdOf(first?.name ?? "") ?? 0);
    await sleep(LOADED_FOR_MS);
    const stalledBefore = await stallsIn(testbed);
    const stoppedAt = performance.now();
    const stopped = await process.terminate();
    await process.start();
    await sleep(LOADED_FOR_MS);
    await Promise.all([load.stop(), reading.stop()]);
    run.rounds += 1;
    run.notes.push(`ended after ${Math.round(stopped.tookMs)} ms with exit code ${stopped.code}`);
    run.findings.enter("stop", [
      ...stopFaults(stopped),
      ...book.caller.asked
        .filter(({ begunAt }) => mayNotFail === "any" || begunAt < stoppedAt)
        .filter(isFailure)
        .map(textOf),
      ...((await stallsIn(testbed)) > stalledBefore ? ["jobs were stalled by the stop"] : []),
    ]);
    checkAnswers(book.caller.asked, { withinMs: WRITE_DEADLINE_MS, mayStayUnanswered: true }, run.findings);
    await checkKeys(testbed, book.stories, run.findings);
    await checkConnections(testbed, book.stories, run.findings);
  }
}

function stopFaults({ code, tookMs }: Stopped): string[] {
  const faults: string[] = [];
  if (code !== 0) faults.push(`ended with exit code ${code}`);
  if (tookMs > STOP_DEADLINE_MS) faults.push(`took ${Math.round(tookMs)} ms to stop`);
  return faults;
}

/** Of racing deletions all but one are answered 404; everything else has to succeed. */
function isFailure({ outcome }: Asked<unknown>): boolean {
  return outcome.kind === "unanswered" || (outcome.kind === "refused" && outcome.status !== 404);
}

function textOf({ what, outcome }: Asked<unknown>): string {
  if (outcome.kind === "refused") return `${what} was answered ${outcome.detail}`;
  return `${what} was not answered: ${outcome.kind === "unanswered" ? outcome.reason : ""}`;
}
