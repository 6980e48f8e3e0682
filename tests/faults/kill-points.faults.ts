import { afterAll, beforeAll, describe } from "vitest";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import type { KillableProcess } from "@veil/engines";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { faultTest } from "./report/fault-test.ts";
import { killAtPoint } from "./rounds/kill-at-point.ts";
import type { Engine, Point } from "./proxies/call-watch.ts";

let testbed: FaultTestbed;

beforeAll(async () => {
  testbed = await startFaultTestbed({ proxied: ["xray-worker", "api"] });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

type Call = Omit<Point, "moment">;

/** Every call of the worker that has an effect, in the order in which a create and a delete make them. */
const workerCalls = [
  { engine: "redis", call: "take job" },
  { engine: "mongodb", call: "findAndModify counters" },
  { engine: "mongodb", call: "insert creations" },
  { engine: "xray", call: "AddUser" },
  { engine: "mongodb", call: "insert keys" },
  { engine: "mongodb", call: "update keys deleters" },
  { engine: "redis", call: "take lease" },
  { engine: "xray", call: "RemoveUser" },
  { engine: "mongodb", call: "update keys" },
  { engine: "redis", call: "give lease back" },
  { engine: "redis", call: "finish job" },
] as const satisfies readonly Call[];

const apiCalls = [{ engine: "redis", call: "add job" }] as const satisfies readonly Call[];

/** Just before a call goes out, and when it was carried out but its answer has not come. */
function bothSidesOf(calls: readonly Call[]): Point[] {
  return calls.flatMap((call) => (["before", "after"] as const).map((moment) => ({ ...call, moment })));
}

function callsTo(engine: Engine): Call[] {
  return workerCalls.filter((call) => call.engine === engine);
}

function workerOf({ workers: [worker] }: FaultTestbed): KillableProcess {
  if (worker === undefined) throw new Error("there is no worker");
  return worker.process;
}

const matrix = [
  { name: "xray-worker", target: workerOf, of: "xray-worker", calls: workerCalls },
  { name: "xray", target: () => testbed.node.process, of: "xray-worker", calls: callsTo("xray") },
  { name: "mongodb", target: () => testbed.mongodb, of: "xray-worker", calls: callsTo("mongodb") },
  { name: "redis", target: () => testbed.redis, of: "xray-worker", calls: callsTo("redis") },
  { name: "redis", target: () => testbed.redis, of: "api", calls: apiCalls },
  { name: "api", target: () => testbed.api.process, of: "api", calls: apiCalls },
  { name: "api", target: () => testbed.api.process, of: "xray-worker", calls: [{ engine: "xray", call: "AddUser" }] },
] as const;

for (const { name, target, of, calls } of matrix) {
  describe(`kill -9 of ${name}`, () => {
    for (const point of bothSidesOf(calls)) {
      faultTest(
        `${name} killed ${point.moment} ${point.call}`,
        () => testbed.tally,
        async (run) => {
          await killAtPoint({ testbed, watch: testbed.watches[of], point, target: target(testbed) }, run);
        },
      );
    }
  });
}
