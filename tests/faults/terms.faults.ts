import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isListening, type KillableProcess } from "@veil/engines";
import { keyIdOfEmail } from "@veil/protocols";
import { afterAll, beforeAll } from "vitest";
import { type BotKey, changeOnce, newBotKey, untilAnswered } from "./load/change-terms.ts";
import { Random } from "./load/random.ts";
import { checkKeys } from "./invariants/check-keys.ts";
import { checkTerms, type ExpectedTerms } from "./invariants/check-terms.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { newBook } from "./rounds/key-round.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";

let testbed: FaultTestbed;
/** The keys that the first row leaves: the second one restarts Xray on them. */
let expected: readonly ExpectedTerms[] = [];

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 3, env: { RECONCILE_INTERVAL_SECONDS: "10" } });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const seed = Number(process.env["VEIL_FAULT_SEED"] ?? 1);
const BOTS = 18;
const FAULTS_FOR_MS = 45_000;
/** A hang that everybody notices, and one that nobody has to. */
const SHORTEST_HANG_MS = 200;
const LONGEST_HANG_MS = 4_000;
/** Past the deadline of every job that a request without an answer may have left. */
const JOBS_ARE_OVER_MS = 10_000;
const ENDS_IN_S = 3;
const OUT_WITHIN_MS = 2_000;
const ENDING_TOGETHER = 80;
const LOOK_EVERY_MS = 50;

faultTest(
  "kill -9 and SIGSTOP of anything at random for 45 s while bots change terms",
  () => testbed.tally,
  async (run) => {
    const { caller } = newBook(testbed);
    const random = new Random(seed);
    const keys = await Promise.all(Array.from({ length: BOTS }, () => newBotKey(caller)));
    const until = performance.now() + FAULTS_FOR_MS;
    const bots = keys.map(async (key) => {
      while (performance.now() < until) await changeOnce(key, caller, random);
    });
    while (performance.now() < until) {
      await sleep(random.between(200, 2_500));
      await strike(random.pick(testbed.processes), random);
      run.rounds += 1;
    }
    await Promise.all(bots);
    await sleep(JOBS_ARE_OVER_MS);
    run.notes.push(
      `${caller.asked.length} requests, ${keys.reduce((sum, key) => sum + key.addedSeconds, 0) / 60} extensions`,
    );
    await becomeQuiet(testbed);
    await checkTerms(testbed, keys.map(asLastAnswered), run.findings);
    expected = await endThird(keys, run);
    await checkTerms(testbed, expected, run.findings);
    await checkKeys(testbed, [], run.findings);
  },
);

faultTest(
  "Xray killed while keys are out of service",
  () => testbed.tally,
  async (run) => {
    const out = new Set(expected.filter(({ status }) => status !== "active").map(({ key }) => key.keyId));
    for (let restart = 0; restart < 3; restart += 1) {
      await testbed.node.process.kill();
      const starting = testbed.node.process.start();
      while (!(await isListening(testbed.node.port))) await sleep(LOOK_EVERY_MS);
      const wrong = new Set<number>();
      for (const until = performance.now() + 3_000; performance.now() < until; await sleep(LOOK_EVERY_MS)) {
        for (const keyId of await keysInNode()) if (out.has(keyId)) wrong.add(keyId);
      }
      await starting;
      run.findings.enter(
        "terms",
        [...wrong].map((keyId) => `key ${keyId} came back with Xray and is out of service`),
      );
      run.rounds += 1;
    }
    await becomeQuiet(testbed);
    await checkTerms(testbed, expected, run.findings);
  },
);

faultTest(
  `a worker killed as ${ENDING_TOGETHER} keys end in one second`,
  () => testbed.tally,
  async (run) => {
    const { client, workers } = testbed;
    const stays = await client.createWith({});
    const expiresAt = Math.floor(Date.now() / 1_000) + 12;
    const ending = await Promise.all(
      Array.from({ length: ENDING_TOGETHER }, () => client.createWith({ expires_at: expiresAt })),
    );
    await sleep(expiresAt * 1_000 - Date.now());
    const [worker] = workers;
    await worker?.process.kill();
    const restarted = worker?.process.start();
    const ids = new Set(ending.map(({ key_id }) => key_id));
    let left = ids.size;
    while (left > 0 && Date.now() < expiresAt * 1_000 + 30_000) {
      left = [...(await keysInNode())].filter((keyId) => ids.has(keyId)).length;
      if (left > 0) await sleep(LOOK_EVERY_MS);
    }
    const tookMs = Date.now() - expiresAt * 1_000;
    await restarted;
    run.rounds += 1;
    run.notes.push(`all ${ENDING_TOGETHER} out ${tookMs} ms after their end`);
    // The dead worker's jobs are another's after five seconds, and a key's lease after six.
    run.findings.enter(
      "terms",
      left > 0 || tookMs > OUT_WITHIN_MS + 8_000 ? [`${left} are left after ${tookMs} ms`] : [],
    );
    const gone = ending.map(({ key_id: keyId, uuid }) => ({
      key: { keyId, uuid },
      status: "expired" as const,
      expiresAt,
    }));
    const kept = { key: { keyId: stays.key_id, uuid: stays.uuid }, status: "active" as const, expiresAt: null };
    await becomeQuiet(testbed);
    await checkTerms(testbed, [kept, ...gone], run.findings);
  },
);

async function strike(target: KillableProcess, random: Random): Promise<void> {
  if (random.next() < 0.5) {
    await target.kill();
    await sleep(random.between(0, 1_500));
    await target.start();
    return;
  }
  target.pause();
  await sleep(random.between(SHORTEST_HANG_MS, LONGEST_HANG_MS));
  target.resume();
}

function asLastAnswered(key: BotKey): ExpectedTerms {
  return { key, status: key.enabled ? "active" : "disabled", expiresAt: key.begunWith + key.addedSeconds };
}

/** A third is disabled, a third ends in a moment, the rest is enabled. */
async function endThird(keys: readonly BotKey[], run: FaultRun): Promise<readonly ExpectedTerms[]> {
  const { client } = testbed;
  const { caller } = newBook(testbed);
  const endsAt = Math.floor(Date.now() / 1_000) + ENDS_IN_S;
  const patch = (key: BotKey, body: object) => {
    const repeatKey = randomUUID();
    return untilAnswered(() => caller.patch(key.keyId, body, repeatKey));
  };
  const ended = await Promise.all(
    keys.map(async (key, index): Promise<ExpectedTerms> => {
      if (index % 3 === 0) {
        await patch(key, { enabled: false });
        return { key, status: "disabled", expiresAt: null };
      }
      if (index % 3 === 1) {
        await patch(key, { enabled: true, expires_at: endsAt });
        return { key, status: "expired", expiresAt: endsAt };
      }
      await patch(key, { enabled: true });
      return { key, status: "active", expiresAt: null };
    }),
  );
  await sleep(Math.max(0, endsAt * 1_000 + OUT_WITHIN_MS - Date.now()));
  const expired = new Set(ended.filter(({ status }) => status === "expired").map(({ key }) => key.keyId));
  const late = [...(await keysInNode())].filter((keyId) => expired.has(keyId));
  run.findings.enter(
    "terms",
    late.map((keyId) => `key ${keyId} is in the node 2 s after its end`),
  );
  await client.sync();
  return ended;
}

async function keysInNode(): Promise<Set<number>> {
  try {
    const users = (await testbed.xray.get(testbed.node.name)?.listUsers()) ?? [];
    return new Set(users.map(({ email }) => keyIdOfEmail(email)).filter((keyId) => keyId !== null));
  } catch {
    return new Set();
  }
}
