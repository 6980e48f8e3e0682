import { amongKeys, type BenchCase } from "../harness/bench-case.ts";
import { median } from "../harness/median.ts";
import { startRawQueue } from "../raw/raw-queue.ts";
import { createKeys } from "./create-keys.ts";

/** One create after the other, each alone. */
export const createAloneCase: BenchCase = {
  name: "create-alone",
  group: "empty",
  title: amongKeys("one create alone, p50"),
  keys: { full: 0, quick: 0 },
  against: "BullMQ add-and-wait alone, p50",
  unit: "ms",
  target: { kind: "at-most", ratio: 3 },
  prepare: async (bench, keys) => {
    const testbed = await bench.testbed({ keys });
    const queue = await startRawQueue(bench.engines.redisUrl);
    const operations = bench.size(300, 100);
    return {
      ours: async () => ({ value: median((await createKeys(testbed, operations, 1)).latencies), operations }),
      raw: async () => ({ value: median((await queue.addAndWait(operations, 1)).latencies), operations }),
      pids: () => testbed.pids(),
      rawPids: () => queue.pids(),
      close: () => queue.close(),
    };
  },
};
