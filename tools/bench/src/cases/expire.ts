import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { httpLoad } from "../harness/http-load.ts";
import { median } from "../harness/median.ts";
import type { BenchTestbed } from "../testbed/bench-testbed.ts";
import { createKeys, deleteKeys } from "./create-keys.ts";

const KEYS = 10_000;
const BATCH = 1_000;
/** So slowly keys are made on a busy machine. */
const MADE_PER_SECOND = 250;
const LOOK_AGAIN_MS = 20;

/** Keys whose term ends in the same second: until Xray holds none of them, while others create keys. */
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
    return {
      ours: async () => {
        const others = await testbed.xray.countUsers();
        const expiresAt = Math.ceil(Date.now() / 1_000 + keys / MADE_PER_SECOND) + 3;
        await createExpiring(testbed, keys, expiresAt);
        if (Date.now() >= expiresAt * 1_000) throw new Error("the keys expired before all were made");
        await sleep(expiresAt * 1_000 - Date.now());
        const begun = performance.now();
        const created = createMeanwhile(testbed);
        let least = Number.POSITIVE_INFINITY;
        while (least > others + created.count()) {
          await sleep(LOOK_AGAIN_MS);
          least = await testbed.xray.countUsers();
        }
        const value = performance.now() - begun;
        const { latencies, keyIds } = await created.end();
        await deleteKeys(testbed, keyIds, 16);
        const slowest = Math.round(Math.max(...latencies));
        const note = `${Math.round((keys * 1_000) / value)} keys/s; a create meanwhile: p50 ${Math.round(median(latencies))} ms, at most ${slowest} ms`;
        return { value, operations: keys, note };
      },
      pids: () => testbed.pids(),
      close: async () => {},
    };
  },
};

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
