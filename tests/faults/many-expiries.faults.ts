import { setTimeout as sleep } from "node:timers/promises";
import { dueOf, firstTerms, type KeyTerms, NO_NOTICES, UNKNOWN_NOTICED } from "@veil/keys";
import { defaultQueuePrefix } from "@veil/job-queue";
import { DueIndex } from "@veil/redis";
import { startWebhookReceiver, take, type WebhookReceiver } from "@veil/test-support";
import { afterAll, beforeAll } from "vitest";
import { type LoggedEvent, loggedEvent } from "../support/api-client.ts";
import { checkDeliveries, checkEvents, readLog } from "./invariants/check-events.ts";
import { becomeQuiet, waitUntilQuiet } from "./invariants/wait-until-quiet.ts";
import { createMeanwhile } from "./load/create-meanwhile.ts";
import { startEventBots } from "./load/event-bots.ts";
import { Random } from "./load/random.ts";
import { seedKeysWithTerms } from "./load/seed-keys-with-terms.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { WEBHOOK_SETTINGS } from "./rounds/event-round.ts";
import { newBook } from "./rounds/key-round.ts";
import { askRedis } from "./testbed/ask-redis.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";

let testbed: FaultTestbed;
let receiver: WebhookReceiver;
/** Of which the receiver has taken the end. */
const reported = new Set<number>();

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  testbed = await startFaultTestbed({ workers: 2, env: SETTINGS });
  await becomeQuiet(testbed);
  receiver.secret = (await testbed.client.newWebhook(receiver.url, ["key.*"])).secret;
  receiver.answer = async (received, response) => {
    await take(received, response);
    if (received.type === ENDED) reported.add(keyIdOf(loggedEvent.parse(JSON.parse(received.body))));
  };
});

afterAll(async () => {
  await testbed.stop();
  await receiver.close();
});

/** As often as installations do it, which is seldomer than the other faults want it. */
const SETTINGS = { ...WEBHOOK_SETTINGS, RECONCILE_INTERVAL_SECONDS: "30", TRAFFIC_SYNC_INTERVAL_SECONDS: "10" };
const KEYS = Number(process.env["VEIL_FAULT_KEYS"] ?? 2_000);
const SEED = Number(process.env["VEIL_FAULT_SEED"] ?? 1);
/** As fast, keys a second, are they put into MongoDB and into Xray at least, on a small machine. */
const SEEDED_PER_SECOND = 400;
const BEGIN_MS = 30_000;
const ENDED = "key.expired";
const LOOK_EVERY_MS = 100;
/** A bot has one at a time, and one that ends by itself may still be there. */
const KEYS_OF_BOT = 2;
/** Nothing is waited for any longer once it has not moved for so long. */
const STANDS_STILL_MS = 60_000;
/** One look at 100,000 keys takes a while. */
const QUIET_WITHIN_MS = 300_000;
const LONGEST_RUN_MS = 3_600_000;

faultTest(
  `${KEYS} keys end in the same second while a bot writes and keys are made`,
  () => testbed.tally,
  async (run) => {
    const others = await countUsers();
    const endsAt = Math.ceil((Date.now() + BEGIN_MS) / 1_000 + KEYS / SEEDED_PER_SECOND);
    const ending = new Set(await seed(endsAt));
    await fillXray(others + ending.size, endsAt);
    run.notes.push(`all were there ${Math.round(endsAt - Date.now() / 1_000)} s before their end`);
    await sleep(endsAt * 1_000 - Date.now());
    await watchTheEnd(ending, others, run);
  },
  LONGEST_RUN_MS,
);

async function watchTheEnd(ending: ReadonlySet<number>, others: number, run: FaultRun): Promise<void> {
  const bots = startEventBots(newBook(testbed).caller, new Random(SEED), 1);
  const creates = createMeanwhile(testbed.client);
  const loggedBefore = await countLogged();
  const [outMs, loggedMs, reportedMs] = await Promise.all([
    untilNone(async () => (await countUsers()) - others - creates.count() - KEYS_OF_BOT),
    // Those of the bot and of creates among them.
    untilNone(async () => loggedBefore + ending.size - (await countLogged())),
    untilNone(async () => [...ending].filter((keyId) => !reported.has(keyId)).length),
  ]);
  await Promise.all([bots.stop(), creates.stop()]);
  run.rounds += 1;
  run.notes.push(
    `out of Xray after ${inSeconds(outMs)}, logged after ${inSeconds(loggedMs)}, delivered after ${inSeconds(reportedMs)}; ` +
      creates.summary(),
  );
  run.findings.enter("deadline", creates.failures);
  await checkEvents(testbed.client, bots.answered, [], run.findings);
  await checkDeliveries(testbed.client, receiver, run.findings);
  run.findings.enter("events", wrongEnds(await readLog(testbed.client), ending));
  run.findings.enter("finished", (await waitUntilQuiet(testbed, QUIET_WITHIN_MS)).pending.slice(0, 10));
  const twice = receiver.taken.length - new Set(receiver.taken.map(({ id }) => id)).size;
  run.notes.push(
    `${receiver.taken.length} deliveries, ${twice} of them once more; ${bots.answered.changes} changes of the bot`,
  );
}

/** Keys whose end is not in the log exactly once. */
function wrongEnds(log: readonly LoggedEvent[], ending: ReadonlySet<number>): string[] {
  const ends = new Map<number, number>();
  for (const event of log) {
    if (event.type === ENDED) ends.set(keyIdOf(event), (ends.get(keyIdOf(event)) ?? 0) + 1);
  }
  const wrong = [...ending].filter((keyId) => ends.get(keyId) !== 1);
  return wrong.slice(0, 10).map((keyId) => `the end of key ${keyId} is logged ${ends.get(keyId) ?? 0} times`);
}

function keyIdOf({ data }: LoggedEvent): number {
  return data.key?.key_id ?? 0;
}

/** Puts the keys where their creations would have: into MongoDB, and among those that become due. */
async function seed(endsAt: number): Promise<readonly number[]> {
  const createdAt = Math.floor(Date.now() / 1_000);
  const first = firstTerms({ expiresAt: endsAt }, { createdAt, nextResetAt: null });
  // Their end was set closer than any notice of it.
  const terms: KeyTerms = { ...first, noticed: { ...UNKNOWN_NOTICED, hours: [72, 24] } };
  const keyIds = await seedKeysWithTerms(testbed, KEYS, terms);
  const due = dueOf(terms, Date.now(), NO_NOTICES);
  await askRedis(testbed, (redis) =>
    new DueIndex(redis, defaultQueuePrefix).replaceMany(new Map(keyIds.map((keyId) => [keyId, due]))),
  );
  return keyIds;
}

/** @throws when Xray does not come to hold the keys before their end */
async function fillXray(users: number, endsAt: number): Promise<void> {
  // A node that comes back is filled at once.
  await testbed.node.process.restart();
  while ((await countUsers()) < users) {
    if (Date.now() > endsAt * 1_000) throw new Error("the keys ended before Xray held them");
    await sleep(LOOK_EVERY_MS);
  }
}

/** With the unmanaged user; 0 while Xray is away. */
async function countUsers(): Promise<number> {
  const node = testbed.xray.get(testbed.node.name);
  return (await node?.countUsers().catch(() => 0)) ?? 0;
}

/** As many events are in the log, and marked where they were born. */
async function countLogged(): Promise<number> {
  const positions = testbed.mongo.connection.collection<{ readonly _id: string; readonly settled?: number }>(
    "event_positions",
  );
  return (await positions.findOne({ _id: "log" }))?.settled ?? 0;
}

/** Looks until nothing is left, or as much as long before. @returns after how many milliseconds */
async function untilNone(left: () => Promise<number>): Promise<number> {
  const begun = performance.now();
  let [least, movedAt] = [Number.POSITIVE_INFINITY, begun];
  while (performance.now() - movedAt < STANDS_STILL_MS) {
    const now = await left();
    if (now <= 0) break;
    if (now < least) [least, movedAt] = [now, performance.now()];
    await sleep(LOOK_EVERY_MS);
  }
  return performance.now() - begun;
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
