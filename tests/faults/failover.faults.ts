import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { z } from "zod";
import { checkAnswers } from "./invariants/check-answers.ts";
import { checkConnections } from "./invariants/check-connections.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import type { Caller } from "./load/caller.ts";
import { keepBusy } from "./load/keep-busy.ts";
import { Random } from "./load/random.ts";
import { untilAnswered } from "./load/until-answered.ts";
import { faultTest } from "./report/fault-test.ts";
import { newBook, outcomesOf, WRITE_DEADLINE_MS } from "./rounds/key-round.ts";
import type { Failover, RedisPair } from "./testbed/redis-pair.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";

let testbed: FaultTestbed;
let redis: RedisPair;

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 2, collectors: 2, redisReplica: true });
  if (testbed.redisPair === null) throw new Error("there is no replica");
  redis = testbed.redisPair;
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const SEED = Number(process.env["VEIL_FAULT_SEED"] ?? 1);
const CALLERS = 8;
const FAILOVERS = 12;
/**
 * A connection that was idle learns of its new primary by a refusal, BullMQ's workers block for up to 10 s, and who is not
 * answered in 10 s asks again.
 */
const RECOVERED_WITHIN_MS = 25_000;
const AFTERWARDS = 20;
/** Redis replicates within milliseconds; a replica behind a slow or broken link lacks more. */
const LAGS_MS = [0, 100, 1_000] as const;

const cases = [
  { name: "redis dies, and its replica takes over without what came last", primary: "dies", splitsMs: [0] },
  {
    name: "redis is demoted while its replica takes over, and takes writes until then",
    primary: "goes on",
    splitsMs: [0, 500, 3_000],
  },
] as const satisfies readonly (Pick<Failover, "primary"> & { readonly name: string; readonly splitsMs: object })[];

for (const { name, primary, splitsMs } of cases) {
  faultTest(
    name,
    () => testbed.tally,
    async (run) => {
      const random = new Random(SEED);
      const book = newBook(testbed);
      const load = keepBusy(book, random, CALLERS);
      for (let round = 0; round < FAILOVERS; round += 1) {
        await sleep(random.between(500, 3_000));
        await redis.failOver({ primary, lagMs: random.pick(LAGS_MS), splitMs: random.pick<number>(splitsMs) });
        run.rounds += 1;
      }
      await load.stop();
      const tookMs = await writtenAgain(book.caller);
      run.notes.push(outcomesOf(book.caller.asked), `each of ${AFTERWARDS} bots wrote again after ${tookMs} ms`);
      run.findings.enter("answered", tookMs > RECOVERED_WITHIN_MS ? [`writes were refused for ${tookMs} ms`] : []);
      checkAnswers(book.caller.asked, { withinMs: WRITE_DEADLINE_MS, mayStayUnanswered: false }, run.findings);
      await checkKeys(testbed, book.stories, run.findings);
      await checkConnections(testbed, book.stories, run.findings);
    },
  );
}

/** Has each of several bots make a key and delete it. @returns after how long the last of them was done, in milliseconds */
async function writtenAgain(caller: Caller): Promise<number> {
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: AFTERWARDS }, async () => {
      const { key_id } = createdKey.parse(await untilAnswered(caller, "POST", "/api/keys"));
      await untilAnswered(caller, "DELETE", `/api/keys/${key_id}`);
    }),
  );
  return Math.round(performance.now() - begun);
}

const createdKey = z.looseObject({ key_id: z.number() });
