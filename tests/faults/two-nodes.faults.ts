import { afterAll, beforeAll } from "vitest";
import type { PlantNode } from "./plant/start-engines.ts";
import { type Plant, startPlant } from "./plant/start-plant.ts";
import { becomeQuiet } from "./promises/wait-until-quiet.ts";
import { faultTest } from "./report/fault-test.ts";
import { outageRound } from "./rounds/outage-round.ts";

let plant: Plant;

beforeAll(async () => {
  plant = await startPlant({ nodes: ["alpha", "beta"] });
  await becomeQuiet(plant);
});

afterAll(() => plant.stop());

const knownDownMs = 2_000;
const reads = ["list", "get", "link", "traffic"] as const;

faultTest(
  "one of two nodes hangs",
  () => plant.tally,
  async (run) => {
    const { process } = beta();
    const [begin, end] = [async () => process.pause(), async () => process.resume()];
    await outageRound({ plant, begin, end, away: [], writesWithinMs: knownDownMs, reads, writesSucceed: true }, run);
  },
);

faultTest(
  "one of two nodes is dead",
  () => plant.tally,
  async (run) => {
    const { process } = beta();
    const [begin, end] = [() => process.kill(), () => process.start()];
    await outageRound({ plant, begin, end, away: [], writesWithinMs: knownDownMs, reads, writesSucceed: true }, run);
  },
);

function beta(): PlantNode {
  const node = plant.engines.nodes.find(({ name }) => name === "beta");
  if (node === undefined) throw new Error("there is no node beta");
  return node;
}
