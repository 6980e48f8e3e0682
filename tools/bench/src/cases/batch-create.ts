import { randomUUID } from "node:crypto";
import { z } from "zod";
import { amongKeys, type BenchCase } from "../harness/bench-case.ts";
import { httpLoad } from "../harness/http-load.ts";
import { inFlight } from "../harness/in-flight.ts";
import { RawXray } from "../raw/raw-xray.ts";

const AT_ONCE = 64;
const batchAnswer = z.object({ succeeded: z.number() });

/** One request for 1,000 keys. */
export const batchCreateCase: BenchCase = {
  name: "batch-create",
  group: "empty",
  title: amongKeys("batch create of 1,000"),
  keys: { full: 0, quick: 0 },
  against: "AddUser, 64 in flight",
  unit: "/s",
  target: { kind: "at-least", ratio: 0.6 },
  prepare: async (bench, keys) => {
    const testbed = await bench.testbed({ keys });
    const operations = 1_000;
    const raw = new RawXray(testbed.xrayApi);
    const body = JSON.stringify({ keys: Array.from({ length: operations }, () => ({})) });
    let unmanaged = 0;
    return {
      ours: async () => {
        let succeeded = 0;
        const { perSecond } = await httpLoad({
          url: testbed.apiUrl,
          headers: testbed.headers,
          connections: 1,
          requests: 1,
          next: () => ({ method: "POST", path: "/api/keys/batch", body }),
          onBody: (answer) => (succeeded = batchAnswer.parse(JSON.parse(answer)).succeeded),
        });
        if (succeeded !== operations) throw new Error(`only ${succeeded} of ${operations} keys were made`);
        return { value: perSecond * operations, operations };
      },
      raw: async () => {
        const emails = Array.from({ length: operations }, () => `raw-${(unmanaged += 1)}@bench`);
        const added = await inFlight(operations, AT_ONCE, (index) =>
          raw.addUser("vless-in", emails[index] ?? "", randomUUID()),
        );
        await inFlight(operations, AT_ONCE, (index) => raw.removeUser("vless-in", emails[index] ?? ""));
        return { value: added.perSecond, operations };
      },
      pids: () => testbed.pids(),
      close: async () => raw.close(),
    };
  },
};
