import { afterAll, beforeAll, describe } from "vitest";
import { type Plant, startPlant } from "./plant/start-plant.ts";
import type { Victim } from "./plant/victim.ts";
import { becomeQuiet } from "./promises/wait-until-quiet.ts";
import { faultTest } from "./report/fault-test.ts";
import { killAtPoint } from "./rounds/kill-at-point.ts";
import type { Engine, Point } from "./taps/call-watch.ts";

let plant: Plant;

beforeAll(async () => {
  plant = await startPlant({ tapped: ["xray-worker", "api"] });
  await becomeQuiet(plant);
});

afterAll(() => plant.stop());

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

function workerOf({ workers: [worker] }: Plant): Victim {
  if (worker === undefined) throw new Error("there is no worker");
  return worker.process;
}

const matrix = [
  { name: "xray-worker", victim: workerOf, of: "xray-worker", calls: workerCalls },
  { name: "xray", victim: () => plant.node.process, of: "xray-worker", calls: callsTo("xray") },
  { name: "mongodb", victim: () => plant.engines.mongodb, of: "xray-worker", calls: callsTo("mongodb") },
  { name: "redis", victim: () => plant.engines.redis, of: "xray-worker", calls: callsTo("redis") },
  { name: "redis", victim: () => plant.engines.redis, of: "api", calls: apiCalls },
  { name: "api", victim: () => plant.api.process, of: "api", calls: apiCalls },
  { name: "api", victim: () => plant.api.process, of: "xray-worker", calls: [{ engine: "xray", call: "AddUser" }] },
] as const;

for (const { name, victim, of, calls } of matrix) {
  describe(`kill -9 of ${name}`, () => {
    for (const point of bothSidesOf(calls)) {
      faultTest(
        `${name} killed ${point.moment} ${point.call}`,
        () => plant.tally,
        async (run) => {
          await killAtPoint({ plant, watch: plant.watches[of], point, victim: victim(plant) }, run);
        },
      );
    }
  });
}
