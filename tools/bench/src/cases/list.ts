import mongoose from "mongoose";
import type { BenchCase } from "../harness/bench-case.ts";

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
export function listCase(keys: 5_000 | 50_000): BenchCase {
  return {
    name: `list-${keys}`,
    group: keys === 5_000 ? "reading" : "50000",
    title: `list of ${keys.toLocaleString("en-GB")}`,
    against: "find + JSON.stringify",
    unit: "ms",
    target: { kind: "at-most", ratio: 1.5 },
    prepare: async (bench) => {
      const plant = await bench.plant({ keys: bench.size(keys, keys / (keys === 5_000 ? 5 : 10)) });
      const model = plant.mongo.model<RawKey>(`RawKey${Date.now()}`, rawKeySchema);
      return {
        ours: async () => {
          const begun = performance.now();
          const response = await fetch(`${plant.apiUrl}/api/keys`, { headers: plant.headers });
          const text = await response.text();
          const value = performance.now() - begun;
          if (!response.ok || text.length < plant.keys) throw new Error(`${response.status} ${text.slice(0, 200)}`);
          return { value, operations: 1 };
        },
        raw: async () => {
          const begun = performance.now();
          const text = JSON.stringify(await model.find({ phase: 1 }).sort({ key_id: 1 }).lean());
          const value = performance.now() - begun;
          if (text.length < plant.keys) throw new Error("the raw list is short");
          return { value, operations: 1 };
        },
        pids: () => plant.pids(),
        close: async () => {},
      };
    },
  };
}
