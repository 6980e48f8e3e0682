import mongoose from "mongoose";
import { type BenchCase, grouped } from "../harness/bench-case.ts";

interface RawKey {
  readonly _id: string;
  readonly key_id: number;
  readonly phase: number;
}

const rawKeySchema = new mongoose.Schema<RawKey>(
  { _id: String, key_id: Number, phase: Number },
  { collection: "keys", strict: false },
);

/** The list of all keys in one answer. */
export function listCase(full: 5_000 | 50_000): BenchCase {
  return {
    name: `list-${full}`,
    group: full === 5_000 ? "reading" : "50000",
    title: (keys) => `list of ${grouped(keys)}`,
    keys: { full, quick: full === 5_000 ? 1_000 : 5_000 },
    against: "find + JSON.stringify",
    unit: "ms",
    target: { kind: "at-most", ratio: 1.5 },
    prepare: async (bench, keys) => {
      const testbed = await bench.testbed({ keys });
      const model = testbed.mongo.model<RawKey>(`RawKey${Date.now()}`, rawKeySchema);
      return {
        ours: async () => {
          const begun = performance.now();
          const response = await fetch(`${testbed.apiUrl}/api/keys`, { headers: testbed.headers });
          const text = await response.text();
          const value = performance.now() - begun;
          if (!response.ok || text.length < testbed.keys) throw new Error(`${response.status} ${text.slice(0, 200)}`);
          return { value, operations: 1 };
        },
        raw: async () => {
          const begun = performance.now();
          const text = JSON.stringify(await model.find({ phase: 1 }).sort({ key_id: 1 }).lean());
          const value = performance.now() - begun;
          if (text.length < testbed.keys) throw new Error("the raw list is short");
          return { value, operations: 1 };
        },
        pids: () => testbed.pids(),
        close: async () => {},
      };
    },
  };
}
