import { userEmail } from "@veil/protocols";
import { type BenchCase, grouped } from "../harness/bench-case.ts";
import { inFlight } from "../harness/in-flight.ts";
import { untilUsers } from "../testbed/bench-testbed.ts";
import { RawXray } from "../raw/raw-xray.ts";
import { passSeconds } from "./rebuild.ts";

const DRIFTED = 100;
const LOOK_AGAIN_MS = 50;

/** Users that went missing in Xray are found and put back by the next pass; its own time counts, not the wait for it. */
export const driftCase: BenchCase = {
  name: "drift",
  group: "50000",
  title: (keys) => `drift of 100 among ${grouped(keys)}`,
  keys: { full: 50_000, quick: 5_000 },
  against: "GetInboundUsers and the find",
  unit: "ms",
  target: { kind: "at-most", ratio: 2 },
  prepare: async (bench, keys) => {
    const testbed = await bench.testbed({ keys });
    const raw = new RawXray(testbed.xrayApi);
    return {
      ours: async () => {
        const users = await testbed.xray.countUsers();
        const before = await passSeconds(testbed.workerMetricsUrl);
        await inFlight(DRIFTED, 16, (index) => raw.removeUser("vless-in", userEmail(index + 1)));
        let pass = 0;
        while (pass === 0) {
          await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
          pass = (await passSeconds(testbed.workerMetricsUrl)) - before;
        }
        await untilUsers(testbed, users);
        return { value: pass * 1_000, operations: DRIFTED };
      },
      raw: async () => {
        const stored = testbed.mongo.collection("keys");
        const begun = performance.now();
        await raw.getUsers("vless-in");
        await stored
          .find({ phase: 1 }, { projection: { _id: 0, key_id: 1, uuid: 1 } })
          .batchSize(10_000)
          .toArray();
        return { value: performance.now() - begun, operations: 1 };
      },
      pids: () => testbed.pids(),
      close: async () => raw.close(),
    };
  },
};
