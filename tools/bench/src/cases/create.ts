import { amongKeys, type BenchCase, grouped } from "../harness/bench-case.ts";
import { median } from "../harness/summarize.ts";
import { startRawQueue } from "../raw/raw-queue.ts";
import { createKeys } from "./create-keys.ts";

const AT_ONCE = 64;

/** Single creates, from HTTP to the answer. */
export const createCase: BenchCase = {
  name: "create",
  group: "empty",
  title: amongKeys("single creates, 64 in flight"),
  keys: { full: 0, quick: 0 },
  against: "BullMQ add-and-wait, 64 in flight",
  unit: "/s",
  target: { kind: "at-least", ratio: 0.5 },
  prepare: async (bench, keys) => {
    const testbed = await bench.testbed({ keys });
    const queue = await startRawQueue(bench.engines.redisUrl);
    const operations = bench.size(3_000, 500);
    return {
      ours: async () => ({ value: (await createKeys(testbed, operations, AT_ONCE)).perSecond, operations }),
      raw: async () => ({ value: (await queue.addAndWait(operations, AT_ONCE)).perSecond, operations }),
      pids: () => testbed.pids(),
      rawPids: () => queue.pids(),
      close: () => queue.close(),
    };
  },
};

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

/** The same creates in a system with many keys and in an empty one: no cost may grow with the number of keys. */
export const createAmongManyCase: BenchCase = {
  name: "create-among-50000",
  group: "50000",
  title: (keys) => `creates with ${grouped(keys)} keys present`,
  keys: { full: 50_000, quick: 5_000 },
  against: "creates with none",
  unit: "/s",
  target: { kind: "at-least", ratio: 0.9 },
  prepare: async (bench, keys) => {
    const many = await bench.testbed({ keys });
    const none = await bench.testbed({ keys: 0 });
    const operations = bench.size(3_000, 500);
    return {
      ours: async () => ({ value: (await createKeys(many, operations, AT_ONCE)).perSecond, operations }),
      raw: async () => ({ value: (await createKeys(none, operations, AT_ONCE)).perSecond, operations }),
      pids: () => many.pids(),
      close: async () => {},
    };
  },
};
