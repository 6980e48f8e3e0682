import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import { z } from "zod";
import { checkGroups, checkLedger, checkLinks } from "./fleet/check-fleet.ts";
import { type FleetNode, startFleetNode } from "./fleet/fleet-node.ts";
import { makeKey, type MovedKey, startGroupMovers } from "./fleet/group-movers.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { Caller } from "./load/caller.ts";
import { Random } from "./load/random.ts";
import { untilAnswered } from "./load/until-answered.ts";
import { type FaultRun, faultTest } from "./report/fault-test.ts";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";

const NODES = 20;
const GROUPS = ["g1", "g2", "g3", "g4", "g5"] as const;
const BOTS = 4;
const ACTIVE_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 500;
const ROUND_MS = 900_000;
const random = new Random(Number(process.env["VEIL_FAULT_SEED"] ?? 1));
const nodeState = z.looseObject({ state: z.string() });

let testbed: FaultTestbed;
let caller: Caller;
const nodes: FleetNode[] = [];
/** One key of each group, through which real clients move bytes. */
const metered: MovedKey[] = [];

beforeAll(async () => {
  testbed = await startFaultTestbed({ workers: 2, collectors: 2 });
  await becomeQuiet(testbed);
  caller = new Caller(testbed.client, testbed.tally);
  for (let index = 0; index < NODES; index += 1) {
    const group = GROUPS[index % GROUPS.length] ?? "g1";
    nodes.push(await startFleetNode(testbed.xrayBinary, `fleet-${index}`, [group]));
  }
  for (const group of GROUPS) {
    metered.push(await makeKey(caller, [group]));
  }
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await testbed.stop();
});

/** Runs a round under the bots' load, and checks what must be so once it is over. */
async function fleetRound(run: FaultRun, round: () => Promise<void>): Promise<void> {
  const movers = startGroupMovers(caller, random, BOTS, GROUPS);
  const begun = performance.now();
  try {
    await round();
  } finally {
    await movers.stop();
  }
  const busyMs = performance.now() - begun;
  const asked = caller.asked.splice(0);
  const repeated = asked.filter(({ outcome }) => outcome.kind !== "answered").length;
  const agreeing = performance.now();
  await checkGroups(testbed, nodes, [...movers.keys, ...metered], run.findings);
  const tookMs = performance.now() - agreeing;
  await checkLinks(testbed, nodes, metered, run.findings);
  await checkLedger(testbed, nodes, metered, run.findings);
  run.notes.push(
    `${asked.length} requests, ${repeated} repeated, ${movers.keys.length} keys in ${Math.round(busyMs)} ms, agreed ${Math.round(tookMs)} ms later`,
  );
  run.rounds += 1;
}

const ask = (method: string, path: string, body?: object) => untilAnswered(caller, method, path, body);

async function becomeState(some: readonly FleetNode[], wanted: string): Promise<void> {
  const begun = performance.now();
  for (const { name } of some) {
    while (
      nodeState.parse(await testbed.client.write("GET", `/api/nodes/${name}`, undefined, "a read")).state !== wanted
    ) {
      if (performance.now() - begun > ACTIVE_WITHIN_MS) throw new Error(`${name} did not become ${wanted}`);
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** Kills a worker and a collector while something else is under way. */
async function killServices(): Promise<void> {
  for (const { process } of [random.pick(testbed.workers), random.pick(testbed.collectors)]) {
    await sleep(random.between(200, 2_000));
    await process.kill();
    await process.start();
  }
}

const quarter = (of: number): readonly FleetNode[] => nodes.filter((_node, index) => index % 4 === of);

faultTest(
  "twenty nodes join while keys move between their groups",
  () => testbed.tally,
  (run) =>
    fleetRound(run, async () => {
      const joining = Promise.all(nodes.map((node) => ask("POST", "/api/nodes", node.body())));
      await Promise.all([joining, killServices()]);
      await becomeState(nodes, "active");
    }),
  ROUND_MS,
);

faultTest(
  "nodes drain and come back",
  () => testbed.tally,
  (run) =>
    fleetRound(run, async () => {
      const some = quarter(0);
      await Promise.all(some.map(({ name }) => ask("POST", `/api/nodes/${name}/drain`)));
      await killServices();
      await becomeState(some, "draining");
      await Promise.all(some.map(({ name }) => ask("POST", `/api/nodes/${name}/undrain`)));
      await becomeState(some, "active");
    }),
  ROUND_MS,
);

faultTest(
  "nodes die and come back without users",
  () => testbed.tally,
  (run) =>
    fleetRound(run, async () => {
      const some = quarter(1);
      const ids = metered.map(({ keyId }) => keyId);
      await testbed.client.sync();
      await Promise.all(some.map((node) => node.kill(ids)));
      await killServices();
      await Promise.all(some.map((node) => node.restart()));
    }),
  ROUND_MS,
);

faultTest(
  "nodes leave, and their processes join under other names",
  () => testbed.tally,
  (run) =>
    fleetRound(run, async () => {
      const some = quarter(2);
      await Promise.all(some.map(({ name }) => ask("DELETE", `/api/nodes/${name}`)));
      await killServices();
      for (const node of some) node.name = `${node.name}-again`;
      await Promise.all(some.map((node) => ask("POST", "/api/nodes", node.body())));
      await becomeState(some, "active");
    }),
  ROUND_MS,
);
