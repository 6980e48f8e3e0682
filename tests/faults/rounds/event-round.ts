import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, take, type WebhookReceiver } from "@veil/test-support";
import { startEventBots } from "../load/event-bots.ts";
import type { Follower } from "../load/follow-events.ts";
import type { Random } from "../load/random.ts";
import { checkDeliveries, checkEvents } from "../invariants/check-events.ts";
import { becomeQuiet } from "../invariants/wait-until-quiet.ts";
import type { FaultRun } from "../report/fault-test.ts";
import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import { newBook } from "./key-round.ts";

const BOTS = 4;

/** With these a receiver on loopback gets events. */
export const WEBHOOK_SETTINGS = {
  WEBHOOK_ALLOW_PRIVATE: "true",
  WEBHOOK_SECRET_KEY: randomBytes(24).toString("hex"),
};

/** A quarter of the deliveries fails, some of them without an answer; others take their time. */
export function failAtRandom(random: Random): Answer {
  return async (received, response) => {
    const dice = random.next();
    if (dice < 0.15) response.writeHead(503).end();
    else if (dice < 0.25) response.destroy();
    else {
      if (dice < 0.35) await sleep(100);
      await take(received, response);
    }
  };
}

export interface EventRound {
  readonly testbed: FaultTestbed;
  /** Gets the events of all keys from the first one on. */
  readonly receiver: WebhookReceiver;
  /** Read since before the first event. */
  readonly followers: readonly Follower[];
  readonly random: Random;
  /** The faults that happen while bots write. */
  readonly faults: () => Promise<void>;
}

/** Bots write beside faults; then the log, its readers and the receiver are held against what was answered. */
export async function eventRound(
  { testbed, receiver, followers, random, faults }: EventRound,
  run: FaultRun,
): Promise<void> {
  const { caller } = newBook(testbed);
  const [takenBefore, receivedBefore] = [receiver.taken.length, receiver.received.length];
  const bots = startEventBots(caller, random, BOTS);
  try {
    await faults();
  } finally {
    await bots.stop();
  }
  await becomeQuiet(testbed);
  await checkEvents(testbed.client, bots.answered, followers, run.findings);
  await checkDeliveries(testbed.client, receiver, run.findings);
  const { keys, changes } = bots.answered;
  run.notes.push(
    `${changes} answered changes of ${keys.length} keys; ${receiver.received.length - receivedBefore} deliveries, ` +
      `${receiver.taken.length - takenBefore} of them taken`,
  );
}
