import { setTimeout as sleep } from "node:timers/promises";
import { isListening } from "@veil/engines";
import { afterAll, beforeAll } from "vitest";
import { type KeyProber, startKeyProber } from "../support/key-prober.ts";
import { seedKeys } from "./load/seed-keys.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";

let testbed: FaultTestbed;
const keyIds: number[] = [];

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 2, env: { RECONCILE_INTERVAL_SECONDS: "30" } });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const RESTARTS = 4;
const SAMPLED = 20;
const RECOVERY_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 20;
const PROBED_BYTES = 1_000;
const LONGEST_RUN_MS = 600_000;

for (const keys of [1_000, 10_000]) {
  faultTest(
    `Xray killed with ${keys} keys`,
    () => testbed.tally,
    async (run) => {
      keyIds.push(...(await seedKeys(testbed, keys - keyIds.length, keyIds.length)));
      // Nobody noted these keys: workers find them when they read all.
      await Promise.all(testbed.workers.map(({ process }) => process.restart()));
      await untilListed();
      await becomeQuiet(testbed);
      for (let restart = 0; restart < RESTARTS; restart += 1) await restartAndWatch(run);
      await checkKeys(testbed, [], run.findings);
    },
    LONGEST_RUN_MS,
  );
}

/**
 * From the moment the port is up: until the node lists every key, then until keys from all over the range carry bytes.
 * Nothing is tried before they are listed: handshakes that fail would take the processor from what is measured.
 */
async function restartAndWatch(run: FaultRun): Promise<void> {
  const sample = keyIds.filter((_, index) => index % Math.floor(keyIds.length / SAMPLED) === 0);
  const links = await Promise.all(sample.map((keyId) => testbed.client.link(keyId)));
  const prober = await startKeyProber(testbed.xrayBinary, links);
  try {
    await testbed.node.process.kill();
    const starting = testbed.node.process.start();
    while (!(await isListening(testbed.node.port))) await sleep(LOOK_EVERY_MS);
    const up = performance.now();
    const since = () => Math.round(performance.now() - up);
    await untilListed();
    const listedMs = since();
    await Promise.all(links.map((link) => untilItCarries(prober, link)));
    const carriedMs = since();
    await starting;
    run.rounds += 1;
    run.notes.push(
      `all ${keyIds.length} listed after ${listedMs} ms, ${sample.length} tried carry after ${carriedMs} ms`,
    );
    const slowest = Math.max(listedMs, carriedMs);
    run.findings.enter("recovery", slowest > RECOVERY_WITHIN_MS ? [`keys were back after ${slowest} ms`] : []);
    await becomeQuiet(testbed);
  } finally {
    await prober.stop();
  }
}

async function untilListed(): Promise<void> {
  while ((await countUsers()) <= keyIds.length) await sleep(LOOK_EVERY_MS);
}

/** With the unmanaged user. */
async function countUsers(): Promise<number> {
  const node = testbed.xray.get(testbed.node.name);
  try {
    return (await node?.countUsers()) ?? 0;
  } catch {
    return 0;
  }
}

async function untilItCarries(prober: KeyProber, link: string): Promise<void> {
  const url = testbed.bytes.downloadUrl(PROBED_BYTES);
  while (!(await prober.connects(link, url, 1_000))) await sleep(LOOK_EVERY_MS);
  testbed.tally.bytes += PROBED_BYTES;
}
