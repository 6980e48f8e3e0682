import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { createKeys } from "./create-keys.ts";

const AT_ONCE = 64;

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
