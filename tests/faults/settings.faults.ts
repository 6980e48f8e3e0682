import { afterAll, beforeAll } from "vitest";
import { checkConnections } from "./invariants/check-connections.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { Caller } from "./load/caller.ts";
import { Random } from "./load/random.ts";
import { faultTest } from "./report/fault-test.ts";
import { newBook } from "./rounds/key-round.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import { type MeteredKey, moveBytes, startMeteredKeys } from "./traffic/metered-keys.ts";
import { TrafficAccount } from "./traffic/traffic-account.ts";

let testbed: FaultTestbed;
let keys: readonly MeteredKey[];
let account: TrafficAccount;
const random = new Random(Number(process.env["VEIL_FAULT_SEED"] ?? 1));
const KEYS = 3;

beforeAll(async () => {
  testbed = await startFaultTestbed({ collectors: 2 });
  await becomeQuiet(testbed);
  const caller = new Caller(testbed.client, testbed.tally);
  keys = await startMeteredKeys(testbed, caller, KEYS);
  account = new TrafficAccount(testbed, caller, keys);
});

afterAll(async () => {
  await Promise.all(keys.map(({ client }) => client.stop()));
  await testbed.stop();
});

/** Xray goes on meanwhile, and knows nothing of it. */
async function restartServicesWith(env: Readonly<Record<string, string>>): Promise<void> {
  testbed.changeSettings(env);
  const { api, workers, collectors } = testbed;
  await Promise.all([api, ...workers, ...collectors].map(({ process }) => process.restart()));
  await becomeQuiet(testbed);
}

faultTest(
  "REALITY_FLOW changes under a running Xray, and back",
  () => testbed.tally,
  async (run) => {
    const book = newBook(testbed);
    for (const env of [{}, { REALITY_FLOW: "xtls-rprx-vision" }, {}]) {
      await restartServicesWith(env);
      await book.createMany(2);
      run.rounds += 1;
    }
    await checkKeys(testbed, book.stories, run.findings);
    await checkConnections(testbed, book.stories, run.findings);
    await testbed.node.process.restart();
    await checkKeys(testbed, book.stories, run.findings);
    await checkConnections(testbed, book.stories, run.findings);
  },
);

faultTest(
  "a node gets another name while bytes move",
  () => testbed.tally,
  async (run) => {
    for (const name of ["renamed", "renamed-again", testbed.node.name]) {
      await moveBytes(keys, testbed, random);
      const moving = moveBytes(keys, testbed, random);
      await restartServicesWith({ XRAY_NODES: JSON.stringify([{ name, address: testbed.node.api }]) });
      await moving;
      await moveBytes(keys, testbed, random);
      // The metric has a series for each name: what was counted under another one stays there.
      await account.checkTotals(run.findings);
      run.rounds += 1;
    }
  },
);
