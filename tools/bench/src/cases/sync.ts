import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { sendBytes } from "../testbed/send-bytes.ts";
import { RawXray } from "../raw/raw-xray.ts";

/** `POST /api/traffic/sync` when so many of the keys have moved bytes. */
export function syncCase(percent: 1 | 10 | 100): BenchCase {
  return {
    name: `sync-${percent}`,
    group: "metered",
    title: (keys) => `sync of ${grouped(keys)} active keys, ${percent} % with new bytes`,
    keys: { full: 10_000, quick: 1_000 },
    against: "QueryStats and one bulkWrite",
    unit: "ms",
    target: { kind: "at-most", ratio: 1.5 },
    prepare: async (bench, keys) => {
      const testbed = await bench.testbed({ keys, metered: true });
      const raw = new RawXray(testbed.xrayApi);
      const moving = testbed.seeded.slice(0, Math.ceil((testbed.keys * percent) / 100));
      const records = testbed.mongo.collection<{ _id: string; revision: number }>("traffic");
      const revision = async () => (await records.findOne({ _id: String(moving.at(-1)?.keyId) }))?.revision ?? 0;
      const written = testbed.mongo.collection<{ _id: string }>("raw_traffic");
      await sendBytes(testbed.meteredPort, testbed.seeded);
      await fetch(`${testbed.apiUrl}/api/traffic/sync`, { method: "POST", headers: testbed.headers });
      let time = 0;
      return {
        ours: async () => {
          await sendBytes(testbed.meteredPort, moving);
          const before = await revision();
          const begun = performance.now();
          const response = await fetch(`${testbed.apiUrl}/api/traffic/sync`, {
            method: "POST",
            headers: testbed.headers,
          });
          const text = await response.text();
          const value = performance.now() - begun;
          if (!response.ok) throw new Error(text);
          if ((await revision()) === before) throw new Error(`nothing was stored by the sync that answered ${text}`);
          return { value, operations: moving.length };
        },
        raw: async () => {
          time += 1;
          const begun = performance.now();
          await raw.queryStats("user>>>");
          await written.bulkWrite(
            moving.map(({ keyId }) => ({
              updateOne: {
                filter: { _id: String(keyId) },
                update: { $max: { up: time, down: time, read_at: time } },
                upsert: true,
              },
            })),
            { ordered: false },
          );
          return { value: performance.now() - begun, operations: moving.length };
        },
        pids: () => testbed.pids(),
        close: async () => raw.close(),
      };
    },
  };
}
