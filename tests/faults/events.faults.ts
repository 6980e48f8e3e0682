import { setTimeout as sleep } from "node:timers/promises";
import type { KillableProcess } from "@veil/engines";
import { startWebhookReceiver, type WebhookReceiver } from "@veil/test-support";
import { afterAll, beforeAll } from "vitest";
import { type Follower, followByPages, followByStream } from "./load/follow-events.ts";
import { Random } from "./load/random.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { eventRound, WEBHOOK_SETTINGS, failAtRandom } from "./rounds/event-round.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";

let testbed: FaultTestbed;
let receiver: WebhookReceiver;
let followers: readonly Follower[] = [];

const seed = Number(process.env["VEIL_FAULT_SEED"] ?? 1);
const random = new Random(seed);

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  testbed = await startFaultTestbed({ workers: 2, collectors: 2, env: WEBHOOK_SETTINGS });
  await becomeQuiet(testbed);
  receiver.secret = (await testbed.client.newWebhook(receiver.url, ["key.*"])).secret;
  receiver.answer = failAtRandom(random);
  followers = [followByPages(testbed.client), followByStream(testbed.apiUrl, testbed.apiKey)];
});

afterAll(async () => {
  await Promise.all(followers.map((follower) => follower.stop()));
  await testbed.stop();
  await receiver.close();
});

const KILLS_FOR_MS = 15_000;
const KILLS_OF_ALL_FOR_MS = 60_000;
const HANGS_FOR_MS = 45_000;
/** Longer than the lease of whoever relays, and than a key's. */
const HANG_MS = [6_000, 9_000] as const;
const KINDS = ["api", "xray-worker", "stats-collector", "redis", "mongodb", "xray"] as const;

for (const kind of KINDS) {
  faultTest(
    `kill -9 of ${kind} while bots write and a receiver fails`,
    () => testbed.tally,
    (run) => killAtRandom((name) => name.startsWith(kind), KILLS_FOR_MS, run),
  );
}

faultTest(
  "kill -9 of anything at random for 60 s while bots write and a receiver fails",
  () => testbed.tally,
  (run) => killAtRandom(() => true, KILLS_OF_ALL_FOR_MS, run),
);

faultTest(
  "SIGSTOP of workers until others have taken over while bots write and a receiver fails",
  () => testbed.tally,
  async (run) => {
    const faults = async () => {
      for (const until = performance.now() + HANGS_FOR_MS; performance.now() < until; ) {
        const { process } = random.pick(testbed.workers);
        process.pause();
        await sleep(random.between(...HANG_MS));
        // From here on two relay, and two deliver, each in the middle of it.
        process.resume();
        await sleep(random.between(200, 2_500));
        run.rounds += 1;
      }
    };
    await eventRound({ testbed, receiver, followers, random, faults }, run);
  },
);

async function killAtRandom(isMeant: (name: string) => boolean, forMs: number, run: FaultRun): Promise<void> {
  const targets: readonly KillableProcess[] = testbed.processes.filter(({ name }) => isMeant(name));
  const faults = async () => {
    for (const until = performance.now() + forMs; performance.now() < until; ) {
      await sleep(random.between(200, 2_500));
      const target = random.pick(targets);
      await target.kill();
      await sleep(random.between(0, 1_500));
      await target.start();
      run.rounds += 1;
    }
  };
  await eventRound({ testbed, receiver, followers, random, faults }, run);
}
