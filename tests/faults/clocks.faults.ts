import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { checkAnswers } from "./invariants/check-answers.ts";
import { checkConnections } from "./invariants/check-connections.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { becomeQuiet, waitUntilQuiet } from "./invariants/wait-until-quiet.ts";
import { Caller } from "./load/caller.ts";
import { keepBusy } from "./load/keep-busy.ts";
import { Random } from "./load/random.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { newBook, WRITE_DEADLINE_MS } from "./rounds/key-round.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import { type MeteredKey, moveBytes, startMeteredKeys } from "./traffic/metered-keys.ts";
import { TrafficAccount } from "./traffic/traffic-account.ts";

let testbed: FaultTestbed;
let keys: readonly MeteredKey[];
let account: TrafficAccount;
const random = new Random(Number(process.env["VEIL_FAULT_SEED"] ?? 1));
const CALLERS = 4;
const BUSY_FOR_MS = 8_000;
const TEN_SECONDS_MS = 10_000;
const HOUR_MS = 3_600_000;

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 2, collectors: 2, wrongClocks: true });
  await becomeQuiet(testbed);
  const caller = new Caller(testbed.client, testbed.tally);
  keys = await startMeteredKeys(testbed, caller, 2);
  account = new TrafficAccount(testbed, caller, keys);
});

afterAll(async () => {
  await Promise.all(keys.map(({ client }) => client.stop()));
  await testbed.stop();
});

faultTest(
  "clocks of services are ten seconds apart, either way",
  () => testbed.tally,
  async (run) => {
    for (const aheadMs of [TEN_SECONDS_MS, -TEN_SECONDS_MS]) {
      await busyRound(run, async () => {
        await testbed.setClock("xray-worker", aheadMs);
        await testbed.setClock("stats-collector", -aheadMs);
      });
    }
  },
);

faultTest(
  "clocks of services step by an hour, back and forth, while Xray restarts",
  () => testbed.tally,
  async (run) => {
    for (const aheadMs of [-HOUR_MS, HOUR_MS, 0]) {
      await busyRound(run, async () => {
        for (const service of ["xray-worker", "stats-collector", "api"] as const) {
          await testbed.setClock(service, aheadMs);
        }
        await account.killXray();
        await testbed.node.process.start();
      });
    }
  },
);

/** Keys are made and deleted and bytes are moved before, while and after clocks are set. */
async function busyRound(run: FaultRun, setClocks: () => Promise<void>): Promise<void> {
  const book = newBook(testbed);
  await moveBytes(keys, testbed, random);
  await account.sync();
  const load = keepBusy(book, random, CALLERS);
  await sleep(BUSY_FOR_MS / 4);
  await setClocks();
  await sleep(BUSY_FOR_MS);
  await load.stop();
  await waitUntilQuiet(testbed);
  await moveBytes(keys, testbed, random);
  await account.check(run.findings);
  run.rounds += 1;
  // Long after the clocks were set: what is refused now is refused because of them.
  const later = newBook(testbed);
  await later.createMany(CALLERS);
  const refused = later.caller.asked.filter(({ outcome }) => outcome.kind !== "answered");
  run.findings.enter(
    "answered",
    refused.map(({ what, outcome }) => `${what} was ${outcome.kind}`),
  );
  const stories = [...book.stories, ...later.stories];
  checkAnswers(book.caller.asked, { withinMs: WRITE_DEADLINE_MS, mayStayUnanswered: false }, run.findings);
  await checkKeys(testbed, stories, run.findings);
  await checkConnections(testbed, stories, run.findings);
}
