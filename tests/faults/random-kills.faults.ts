import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { keepBusy } from "./load/keep-busy.ts";
import { Random } from "./load/random.ts";
import { type Plant, startPlant } from "./plant/start-plant.ts";
import type { Victim } from "./plant/victim.ts";
import { checkAnswers } from "./promises/check-answers.ts";
import { checkConnections } from "./promises/check-connections.ts";
import { checkKeys } from "./promises/check-keys.ts";
import { becomeQuiet } from "./promises/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { newBook, writeDeadlineMs } from "./rounds/key-round.ts";

let plant: Plant;

beforeAll(async () => {
  plant = await startPlant({ workers: 3, collectors: 2 });
  await becomeQuiet(plant);
});

afterAll(() => plant.stop());

const seed = Number(process.env["VEIL_FAULT_SEED"] ?? 1);
const callers = 8;
const killsForMs = 60_000;

faultTest(
  "kill -9 of anything at random for 60 s, under load",
  () => plant.tally,
  async (run) => {
    await killAtRandom(plant.processes, true, run);
  },
);

faultTest(
  "kill -9 of anything but the API at random for 60 s, under load",
  () => plant.tally,
  async (run) => {
    await killAtRandom(
      plant.processes.filter(({ name }) => name !== "api"),
      false,
      run,
    );
  },
);

async function killAtRandom(victims: readonly Victim[], mayStayUnanswered: boolean, run: FaultRun): Promise<void> {
  const random = new Random(seed);
  const book = newBook(plant);
  const load = keepBusy(book, random, callers);
  const until = performance.now() + killsForMs;
  while (performance.now() < until) {
    await sleep(random.between(200, 3_000));
    const victim = random.pick(victims);
    await victim.kill();
    await sleep(random.between(0, 1_500));
    await victim.start();
    run.rounds += 1;
  }
  await load.stop();
  run.notes.push(outcomesOf(book.caller.asked));
  checkAnswers(book.caller.asked, { withinMs: writeDeadlineMs, mayStayUnanswered }, run.findings);
  await checkKeys(plant, book.stories, run.findings);
  await checkConnections(plant, book.stories, run.findings);
}

function outcomesOf(asked: ReturnType<typeof newBook>["caller"]["asked"]): string {
  const count = (kind: string) => asked.filter(({ outcome }) => outcome.kind === kind).length;
  const slowest = Math.max(...asked.map(({ tookMs }) => tookMs));
  return `${count("answered")} answered, ${count("refused")} refused, ${count("unanswered")} unanswered; slowest ${Math.round(slowest)} ms`;
}
