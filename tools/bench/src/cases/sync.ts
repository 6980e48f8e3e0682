import { connect } from "node:net";
import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { RawXray } from "../raw/raw-xray.ts";
import type { SeededKey } from "../testbed/bench-testbed.ts";

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

const AT_ONCE = 64;
const payload = Buffer.alloc(256);

/** Lets each of the keys send some bytes through the metered inbound, so that its counter moves. */
async function sendBytes(port: number, keys: readonly SeededKey[]): Promise<void> {
  const waiting = [...keys];
  const sendNext = async () => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) await sendOnce(port, key.uuid);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendNext));
}

/** The sink closes the connection when it has taken what came. */
async function sendOnce(port: number, uuid: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => resolve());
    socket.setTimeout(2_000, () => socket.destroy());
    socket.end(Buffer.concat([requestHeader(uuid), payload]));
    socket.resume();
  });
}

/** Version, id, no add-ons, TCP, port 9, IPv4 192.0.2.1. */
function requestHeader(uuid: string): Buffer {
  return Buffer.from([0, ...Buffer.from(uuid.replaceAll("-", ""), "hex"), 0, 1, 0, 9, 1, 192, 0, 2, 1]);
}
