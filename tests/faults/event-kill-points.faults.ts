import { setTimeout as sleep } from "node:timers/promises";
import type { KillableProcess } from "@veil/engines";
import { startWebhookReceiver, type WebhookReceiver } from "@veil/test-support";
import { afterAll, beforeAll } from "vitest";
import { type Follower, followByPages } from "./load/follow-events.ts";
import { Random } from "./load/random.ts";
import type { Point } from "./proxies/call-watch.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { eventRound, WEBHOOK_SETTINGS } from "./rounds/event-round.ts";
import { killOnceAt } from "./rounds/kill-once-at.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";

let testbed: FaultTestbed;
let receiver: WebhookReceiver;
let follower: Follower;

const random = new Random(Number(process.env["VEIL_FAULT_SEED"] ?? 1));

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  testbed = await startFaultTestbed({ proxied: ["xray-worker"], env: WEBHOOK_SETTINGS });
  await becomeQuiet(testbed);
  receiver.secret = (await testbed.client.newWebhook(receiver.url, ["key.*"])).secret;
  follower = followByPages(testbed.client);
});

afterAll(async () => {
  await follower.stop();
  await testbed.stop();
  await receiver.close();
});

/** The calls that bring an event into the log and to its receiver, in this order. */
const calls = ["insert events", "update event_positions", "update webhook_deliveries"] as const;
const GOES_ON_FOR_MS = 2_000;

const targets = [
  ["xray-worker", () => testbed.workers[0]?.process],
  ["mongodb", () => testbed.mongodb],
] as const;

for (const [name, target] of targets) {
  for (const call of calls) {
    for (const moment of ["before", "after"] as const) {
      faultTest(
        `${name} killed ${moment} ${call} while bots write`,
        () => testbed.tally,
        async (run) => {
          const process = target();
          if (process !== undefined) await killAt({ moment, engine: "mongodb", call }, process, run);
        },
      );
    }
  }
}

async function killAt(point: Point, target: KillableProcess, run: FaultRun): Promise<void> {
  const faults = async () => {
    await killOnceAt(testbed.watches["xray-worker"], point, [target])();
    await sleep(GOES_ON_FOR_MS);
    run.rounds += 1;
  };
  await eventRound({ testbed, receiver, followers: [follower], random, faults }, run);
}
