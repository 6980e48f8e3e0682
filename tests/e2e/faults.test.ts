import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepBusy } from "../faults/load/keep-busy.ts";
import { Random } from "../faults/load/random.ts";
import { type Plant, startPlant } from "../faults/plant/start-plant.ts";
import type { Victim } from "../faults/plant/victim.ts";
import { checkConnections } from "../faults/promises/check-connections.ts";
import { checkKeys } from "../faults/promises/check-keys.ts";
import { becomeQuiet } from "../faults/promises/wait-until-quiet.ts";
import { FaultRun } from "../faults/report/fault-test.ts";
import { newBook } from "../faults/rounds/key-round.ts";
import { killAtPoint } from "../faults/rounds/kill-at-point.ts";
import type { Point } from "../faults/taps/call-watch.ts";

let plant: Plant;

beforeAll(async () => {
  plant = await startPlant({ tapped: ["xray-worker", "api"] });
  await becomeQuiet(plant);
});

afterAll(() => plant.stop());

const longestRunMs = 300_000;

function workerOf({ workers: [worker] }: Plant): Victim {
  if (worker === undefined) throw new Error("there is no worker");
  return worker.process;
}

/** Where most is half done: of each part the point that has broken the most promises. */
const kills: readonly { readonly name: string; readonly victim: () => Victim; readonly point: Point }[] = [
  {
    name: "the worker, with its user in Xray and undecided",
    victim: () => workerOf(plant),
    point: { moment: "after", engine: "xray", call: "AddUser" },
  },
  {
    name: "the worker, with a deletion begun",
    victim: () => workerOf(plant),
    point: { moment: "before", engine: "xray", call: "RemoveUser" },
  },
  {
    name: "MongoDB, with a decision on its way",
    victim: () => plant.engines.mongodb,
    point: { moment: "before", engine: "mongodb", call: "insert keys" },
  },
  {
    name: "Redis, with a lease just taken",
    victim: () => plant.engines.redis,
    point: { moment: "after", engine: "redis", call: "take lease" },
  },
  {
    name: "Xray, with a user just added",
    victim: () => plant.node.process,
    point: { moment: "after", engine: "xray", call: "AddUser" },
  },
];

test.for(kills)("kill -9 of $name breaks no promise", { timeout: longestRunMs }, async ({ victim, point }) => {
  const run = new FaultRun();
  await killAtPoint({ plant, watch: plant.watches["xray-worker"], point, victim: victim() }, run);
  expect(run.findings.violations).toEqual([]);
});

test("an Xray that hangs under load loses no key and keeps no deleted one", { timeout: longestRunMs }, async () => {
  const run = new FaultRun();
  const book = newBook(plant);
  const load = keepBusy(book, new Random(1), 4);
  await sleep(1_000);
  plant.node.process.pause();
  await sleep(3_000);
  plant.node.process.resume();
  await load.stop();
  await checkKeys(plant, book.stories, run.findings);
  await checkConnections(plant, book.stories, run.findings);
  expect(run.findings.violations).toEqual([]);
});
