import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { Caller } from "./load/caller.ts";
import { Random } from "./load/random.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import type { KillableProcess } from "@veil/engines";
import { becomeQuiet, waitUntilQuiet } from "./invariants/wait-until-quiet.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import type { Point } from "./proxies/call-watch.ts";
import { type MeteredKey, moveBytes, startMeteredKeys } from "./traffic/metered-keys.ts";
import { TrafficAccount } from "./traffic/traffic-account.ts";
import { killOnceAt } from "./rounds/kill-once-at.ts";
import { watchMetric } from "./traffic/watch-metric.ts";

let testbed: FaultTestbed;
let keys: readonly MeteredKey[];
let account: TrafficAccount;
const random = new Random(Number(process.env["VEIL_FAULT_SEED"] ?? 1));

beforeAll(async () => {
  testbed = await startFaultTestbed({ collectors: 2, proxied: ["stats-collector"] });
  await becomeQuiet(testbed);
  const caller = new Caller(testbed.client, testbed.tally);
  keys = await startMeteredKeys(testbed, caller, 3);
  account = new TrafficAccount(testbed, caller, keys);
});

afterAll(async () => {
  await Promise.all(keys.map(({ client }) => client.stop()));
  await testbed.stop();
});

const move = () => moveBytes(keys, testbed, random);

/** Runs a round with the metric watched all the while, and compares every figure at its end. */
async function trafficRound(run: FaultRun, round: () => Promise<void>): Promise<void> {
  const metric = watchMetric(testbed);
  await round();
  await waitUntilQuiet(testbed);
  await account.check(run.findings);
  run.findings.enter("metric", await metric.stop());
  run.rounds += 1;
}

/** Every call of the collector between which something could be counted twice or lost. */
const syncPoints = [
  { engine: "xray", call: "ListOutbounds" },
  { engine: "xray", call: "QueryStats" },
  { engine: "mongodb", call: "update traffic" },
  { engine: "redis", call: "finish job" },
] as const satisfies readonly Omit<Point, "moment">[];

const newLifePoints = [
  { engine: "xray", call: "AddOutbound" },
  { engine: "mongodb", call: "update node_epochs" },
] as const satisfies readonly Omit<Point, "moment">[];

const resetPoints = [
  { engine: "xray", call: "GetStats" },
  { engine: "mongodb", call: "findAndModify traffic" },
  { engine: "redis", call: "finish job" },
] as const satisfies readonly Omit<Point, "moment">[];

function bothSidesOf(calls: readonly Omit<Point, "moment">[]): Point[] {
  return calls.flatMap((call) => (["before", "after"] as const).map((moment) => ({ ...call, moment })));
}

for (const point of bothSidesOf(syncPoints)) {
  faultTest(
    `collectors killed ${point.moment} ${point.call} of a sync`,
    () => testbed.tally,
    (run) =>
      trafficRound(run, async () => {
        await move();
        const end = killCollectorsAt(point);
        await Promise.all([move(), account.sync().catch(() => undefined)]);
        await end();
        await move();
      }),
  );
}

for (const point of bothSidesOf(newLifePoints)) {
  faultTest(
    `collectors killed ${point.moment} ${point.call} in a new life of Xray`,
    () => testbed.tally,
    (run) =>
      trafficRound(run, async () => {
        await move();
        await account.sync();
        await move();
        await account.killXray();
        const end = killCollectorsAt(point);
        await testbed.node.process.start();
        await waitUntilQuiet(testbed);
        await account.sync();
        await end();
        await move();
      }),
  );
}

for (const point of bothSidesOf(resetPoints)) {
  faultTest(
    `collectors killed ${point.moment} ${point.call} of a reset`,
    () => testbed.tally,
    (run) =>
      trafficRound(run, async () => {
        await move();
        const [key] = keys;
        if (key === undefined) throw new Error("there is no key");
        await account.sync();
        const end = killCollectorsAt(point);
        await account.reset(key.keyId, end, run.findings);
        await move();
      }),
  );
}

/** Both collectors share their proxies: the first to come to the point is not known, so both go. */
function killCollectorsAt(point: Point): () => Promise<void> {
  const processes = testbed.collectors.map(({ process }) => process);
  const killed = killOnceAt(testbed.watches["stats-collector"], point, processes);
  return async () => {
    await killed();
    await waitUntilQuiet(testbed);
  };
}

const LIVES = 6;

faultTest(
  "Xray killed with bytes that no sync has read",
  () => testbed.tally,
  async (run) => {
    for (let life = 0; life < LIVES; life += 1) {
      await trafficRound(run, async () => {
        await move();
        await account.sync();
        await move();
        await account.killXray();
        await testbed.node.process.start();
      });
    }
  },
);

const others = [
  { name: "redis", target: () => testbed.redis },
  { name: "mongodb", target: () => testbed.mongodb },
] as const;

for (const { name, target } of others) {
  faultTest(
    `${name} killed and hung while bytes move`,
    () => testbed.tally,
    (run) =>
      trafficRound(run, async () => {
        const moving = keepMoving();
        await sleep(1_000);
        await target().restart();
        await sleep(1_000);
        await hang(target(), 4_000);
        await sleep(1_000);
        await moving.stop();
      }),
  );
}

faultTest(
  "Xray and collectors hang while bytes move",
  () => testbed.tally,
  (run) =>
    trafficRound(run, async () => {
      const moving = keepMoving();
      for (const process of [testbed.node.process, ...testbed.collectors.map((one) => one.process)]) {
        await sleep(1_000);
        await hang(process, 4_000);
      }
      await moving.stop();
    }),
);

async function hang(target: KillableProcess, ms: number): Promise<void> {
  target.pause();
  await sleep(ms);
  target.resume();
}

function keepMoving(): { stop(): Promise<void> } {
  let stopped = false;
  const moving = (async () => {
    while (!stopped) await move();
  })();
  return {
    stop: async () => {
      stopped = true;
      await moving;
    },
  };
}
