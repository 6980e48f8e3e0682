import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { httpLoad } from "../harness/http-load.ts";
import { median } from "../harness/summarize.ts";
import type { BenchTestbed } from "../testbed/bench-testbed.ts";
import { createKeys, deleteKeys } from "./create-keys.ts";

const KEYS = 10_000;
const BATCH = 250;
/** How long making the keys may take at first; twice as long when that was not enough. */
const MADE_PER_SECOND = 250;
const MOST_ATTEMPTS = 5;
const MARGIN_S = 3;
const LOOK_AGAIN_MS = 20;

/**
 * Keys whose term ends in the same second: until Xray holds none of them, while others create keys. The cost includes
 * reporting all of it.
 */
export const expireCase: BenchCase = {
  name: "expire",
  group: "empty",
  title: (keys) => `${grouped(keys)} keys that expire in the same second`,
  keys: { full: KEYS, quick: 1_000 },
  against: "–",
  unit: "ms",
  target: { kind: "within", ms: KEYS / 3 },
  prepare: async (bench, keys) => {
    const testbed = await bench.testbed({ keys: 0 });
    let makingS = keys / MADE_PER_SECOND;
    let others = 0;
    return {
      begin: async () => {
        others = await testbed.xray.countUsers();
        let expiresAt = 0;
        for (let attempt = 1; Date.now() >= expiresAt * 1_000; attempt += 1) {
          if (attempt > MOST_ATTEMPTS) throw new Error("the keys expired before all were made");
          if (attempt > 1) makingS *= 2;
          expiresAt = Math.ceil(Date.now() / 1_000 + makingS) + MARGIN_S;
          await createExpiring(testbed, keys, expiresAt);
          if (Date.now() >= expiresAt * 1_000) await untilNoMore(testbed, others);
        }
        await sleep(expiresAt * 1_000 - Date.now());
      },
      ours: async () => {
        const [begun, loggedBefore] = [performance.now(), await countLogged(testbed)];
        const created = createMeanwhile(testbed);
        await untilNoMore(testbed, others, created.count);
        const value = performance.now() - begun;
        const { latencies, keyIds } = await created.end();
        while ((await countLogged(testbed)) < loggedBefore + keys + keyIds.length) await sleep(LOOK_AGAIN_MS);
        const reportedS = ((performance.now() - begun) / 1_000).toFixed(1);
        await deleteKeys(testbed, keyIds, 16);
        const [p50, p99] = [median(latencies), percentile(latencies, 99)].map(Math.round);
        const rate = `${Math.round((keys * 1_000) / value)} keys/s, all events logged after ${reportedS} s`;
        const note = `${rate}; ${latencies.length} creates meanwhile: p50 ${p50} ms, p99 ${p99} ms`;
        return { value, operations: keys, note };
      },
      pids: () => testbed.pids(),
      close: async () => {},
    };
  },
};

/** @param made how many other users may have been made meanwhile */
async function untilNoMore({ xray }: BenchTestbed, users: number, made: () => number = () => 0): Promise<void> {
  while ((await xray.countUsers()) > users + made()) await sleep(LOOK_AGAIN_MS);
}

/** Events that are in the log, and marked where they were born. */
async function countLogged({ mongo }: BenchTestbed): Promise<number> {
  const positions = mongo.collection<{ readonly _id: string; readonly settled?: number }>("event_positions");
  return (await positions.findOne({ _id: "log" }))?.settled ?? 0;
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN;
}

async function createExpiring({ apiUrl, headers }: BenchTestbed, keys: number, expiresAt: number): Promise<void> {
  const size = Math.min(BATCH, keys);
  const body = JSON.stringify({ keys: Array.from({ length: size }, () => ({ expires_at: expiresAt })) });
  await httpLoad({
    url: apiUrl,
    headers,
    connections: 2,
    requests: keys / size,
    next: () => ({ method: "POST", path: "/api/keys/batch", body }),
  });
}

/** Creates one key after the other until it is ended. */
function createMeanwhile(testbed: BenchTestbed) {
  const latencies: number[] = [];
  const keyIds: number[] = [];
  let isOver = false;
  const running = (async () => {
    while (!isOver) {
      const load = await createKeys(testbed, 1, 1);
      latencies.push(...load.latencies);
      keyIds.push(...load.keyIds);
    }
  })();
  // A create that fails is reported at the end, and ends no other case.
  running.catch(() => undefined);
  return {
    count: () => keyIds.length + 1,
    end: async () => {
      isOver = true;
      await running;
      return { latencies, keyIds };
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
