import { setTimeout as sleep } from "node:timers/promises";
import { firstTerms } from "@veil/keys";
import { afterAll, beforeAll } from "vitest";
import { z } from "zod";
import { FIRST_SEEDED_ID } from "./load/seed-keys.ts";
import { seedKeysWithTerms } from "./load/seed-keys-with-terms.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";

let testbed: FaultTestbed;

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 2, env: { RECONCILE_INTERVAL_SECONDS: "600" } });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const KEYS = Number(process.env["VEIL_FAULT_KEYS"] ?? 2_000);
const DAY_S = 86_400;
const EXPIRES_AT = Math.floor(Date.now() / 1_000) + 10 * DAY_S;
const ADDED_DAYS = 30;
/** How far the job is when a worker is killed, in shares. */
const KILLED_AT = [0.1, 0.4, 0.7];
const LOOK_EVERY_MS = 250;
const LONGEST_RUN_MS = 3_600_000;
const TAG = "many";

const begun = z.object({ job_id: z.string() });
const state = z.object({
  status: z.string(),
  done: z.number().default(0),
  total: z.number().default(0),
  failed: z.number().default(0),
});

faultTest(
  `workers killed while ${KEYS} keys are extended by one job`,
  () => testbed.tally,
  async (run) => {
    await seed();
    const since = performance.now();
    const days = { filter: { tag: TAG }, extend: { days: ADDED_DAYS } };
    const { job_id: job } = begun.parse(await call("POST", "/api/keys/batch-update", days));
    const end = await watch(job, run);
    const tookS = Math.round((performance.now() - since) / 1_000);
    run.notes.push(`${end.done} of ${end.total} keys done after ${tookS} s, ${run.rounds} workers killed meanwhile`);
    const isWhole = end.done === KEYS && end.total === KEYS && end.failed === 0;
    run.findings.enter("terms", isWhole ? [] : [`the job ended as ${JSON.stringify(end)}`]);
    run.findings.enter("terms", await wrongKeys());
  },
  LONGEST_RUN_MS,
);

async function seed(): Promise<void> {
  const createdAt = Math.floor(Date.now() / 1_000);
  const terms = firstTerms({ expiresAt: EXPIRES_AT, tag: TAG }, { createdAt, nextResetAt: null });
  await seedKeysWithTerms(testbed, KEYS, terms);
}

/** Kills one worker after the other, and starts each again, until the job is over. It never falls back. */
async function watch(job: string, run: FaultRun): Promise<z.infer<typeof state>> {
  const left = [...KILLED_AT];
  let before = 0;
  while (true) {
    const now = state.parse(await call("GET", `/api/jobs/${job}`));
    if (now.done < before) run.findings.enter("terms", [`the job fell from ${before} to ${now.done} keys`]);
    before = now.done;
    if (now.status !== "queued" && now.status !== "running") return now;
    if (now.done >= (left[0] ?? Number.POSITIVE_INFINITY) * KEYS) {
      left.shift();
      for (const { process } of testbed.workers) {
        await process.kill();
        await process.start();
      }
      run.rounds += 1;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Keys that did not get the days exactly once. */
async function wrongKeys(): Promise<string[]> {
  const keys = testbed.mongo.connection.collection<{ readonly key_id: number; readonly terms: unknown }>("keys");
  const terms = z.object({ expires_at: z.number(), revision: z.number() });
  const wrong: string[] = [];
  let seen = 0;
  for await (const key of keys.find({}, { projection: { key_id: 1, terms: 1 } })) {
    if (key.key_id < FIRST_SEEDED_ID) continue;
    seen += 1;
    const { expires_at: expiresAt, revision } = terms.parse(key.terms);
    if (expiresAt === EXPIRES_AT + ADDED_DAYS * DAY_S && revision === 2) continue;
    wrong.push(`key ${key.key_id} got ${(expiresAt - EXPIRES_AT) / DAY_S} days, revision ${revision}`);
  }
  return seen === KEYS ? wrong : [...wrong, `${seen} keys are there`];
}

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(testbed.apiUrl + path, {
    method,
    headers: { authorization: `Bearer ${testbed.apiKey}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  testbed.tally.requests += 1;
  return response.json();
}
