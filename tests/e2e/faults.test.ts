import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepBusy } from "../faults/load/keep-busy.ts";
import { Random } from "../faults/load/random.ts";
import { type FaultTestbed, startFaultTestbed } from "../faults/testbed/start-fault-testbed.ts";
import type { KillableProcess } from "@veil/engines";
import { checkConnections } from "../faults/invariants/check-connections.ts";
import { checkKeys } from "../faults/invariants/check-keys.ts";
import { becomeQuiet } from "../faults/invariants/wait-until-quiet.ts";
import { FaultRun } from "../faults/report/fault-test.ts";
import { newBook } from "../faults/rounds/key-round.ts";
import { killAtPoint } from "../faults/rounds/kill-at-point.ts";
import type { Point } from "../faults/proxies/call-watch.ts";

let testbed: FaultTestbed;

beforeAll(async () => {
  testbed = await startFaultTestbed({ proxied: ["xray-worker", "api"] });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const LONGEST_RUN_MS = 300_000;

function workerOf({ workers: [worker] }: FaultTestbed): KillableProcess {
  if (worker === undefined) throw new Error("there is no worker");
  return worker.process;
}

/** Where most is half done: of each part the point that has broken the most invariants. */
const kills: readonly { readonly name: string; readonly target: () => KillableProcess; readonly point: Point }[] = [
  {
    name: "the worker, with its user in Xray and undecided",
    target: () => workerOf(testbed),
    point: { moment: "after", engine: "xray", call: "AddUser" },
  },
  {
    name: "the worker, with a deletion begun",
    target: () => workerOf(testbed),
    point: { moment: "before", engine: "xray", call: "RemoveUser" },
  },
  {
    name: "MongoDB, with a decision on its way",
    target: () => testbed.mongodb,
    point: { moment: "before", engine: "mongodb", call: "insert keys" },
  },
  {
    name: "Redis, with a lease just taken",
    target: () => testbed.redis,
    point: { moment: "after", engine: "redis", call: "take lease" },
  },
  {
    name: "Xray, with a user just added",
    target: () => testbed.node.process,
    point: { moment: "after", engine: "xray", call: "AddUser" },
  },
];

test.for(kills)("kill -9 of $name breaks no invariant", { timeout: LONGEST_RUN_MS }, async ({ target, point }) => {
  const run = new FaultRun();
  await killAtPoint({ testbed, watch: testbed.watches["xray-worker"], point, target: target() }, run);
  expect(run.findings.violations).toEqual([]);
});

test("an Xray that hangs under load loses no key and keeps no deleted one", { timeout: LONGEST_RUN_MS }, async () => {
  const run = new FaultRun();
  const book = newBook(testbed);
  const load = keepBusy(book, new Random(1), 4);
  await sleep(1_000);
  testbed.node.process.pause();
  await sleep(3_000);
  testbed.node.process.resume();
  await load.stop();
  await checkKeys(testbed, book.stories, run.findings);
  await checkConnections(testbed, book.stories, run.findings);
  expect(run.findings.violations).toEqual([]);
});
