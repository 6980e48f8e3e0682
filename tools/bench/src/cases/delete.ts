import { amongKeys, type BenchCase } from "../harness/bench-case.ts";
import { startRawQueue } from "../raw/raw-queue.ts";
import { createKeys, deleteKeys } from "./create-keys.ts";

const AT_ONCE = 64;

/** Single deletes, from HTTP to the answer; the keys are made before, outside of what is measured. */
export const deleteCase: BenchCase = {
  name: "delete",
  group: "empty",
  title: amongKeys("deletes, 64 in flight"),
  keys: { full: 0, quick: 0 },
  against: "BullMQ add-and-wait, 64 in flight",
  unit: "/s",
  target: { kind: "at-least", ratio: 0.5 },
  prepare: async (bench, keys) => {
    const testbed = await bench.testbed({ keys });
    const queue = await startRawQueue(bench.engines.redisUrl);
    const operations = bench.size(2_000, 300);
    const rounds: number[][] = [];
    for (let round = 0; round < bench.roundsInAll; round += 1) {
      rounds.push((await createKeys(testbed, operations, AT_ONCE)).keyIds);
    }
    return {
      ours: async () => ({ value: (await deleteKeys(testbed, rounds.pop() ?? [], AT_ONCE)).perSecond, operations }),
      raw: async () => ({ value: (await queue.addAndWait(operations, AT_ONCE)).perSecond, operations }),
      pids: () => testbed.pids(),
      rawPids: () => queue.pids(),
      close: () => queue.close(),
    };
  },
};
