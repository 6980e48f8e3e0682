import { afterAll, beforeAll } from "vitest";
import type { TestbedNode } from "@veil/engines";
import { type FaultTestbed, startFaultTestbed } from "./testbed/start-fault-testbed.ts";
import { becomeQuiet } from "./invariants/wait-until-quiet.ts";
import { faultTest } from "./report/fault-test.ts";
import { outageRound } from "./rounds/outage-round.ts";

let testbed: FaultTestbed;

beforeAll(async () => {
  testbed = await startFaultTestbed({ nodes: ["alpha", "beta"] });
  await becomeQuiet(testbed);
});

afterAll(() => testbed.stop());

const KNOWN_DOWN_MS = 2_000;
const reads = ["list", "get", "link", "traffic"] as const;

faultTest(
  "one of two nodes hangs",
  () => testbed.tally,
  async (run) => {
    const { process } = beta();
    const [begin, end] = [async () => process.pause(), async () => process.resume()];
    await outageRound(
      { testbed, begin, end, away: [], writesWithinMs: KNOWN_DOWN_MS, reads, writesSucceed: true },
      run,
    );
  },
);

faultTest(
  "one of two nodes is dead",
  () => testbed.tally,
  async (run) => {
    const { process } = beta();
    const [begin, end] = [() => process.kill(), () => process.start()];
    await outageRound(
      { testbed, begin, end, away: [], writesWithinMs: KNOWN_DOWN_MS, reads, writesSucceed: true },
      run,
    );
  },
);

function beta(): TestbedNode {
  const node = testbed.nodes.find(({ name }) => name === "beta");
  if (node === undefined) throw new Error("there is no node beta");
  return node;
}
