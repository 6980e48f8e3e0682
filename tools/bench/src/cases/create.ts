import { amongKeys, type BenchCase } from "../harness/bench-case.ts";
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
