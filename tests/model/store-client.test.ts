import { setImmediate } from "node:timers/promises";
import { activeKey, desiredStateConformance, inboundVaultConformance, keyStoreConformance } from "@veil/keys/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "./random.ts";
import { SimulatedMongo } from "./simulated-mongo.ts";
import { StoreClient } from "./store-client.ts";
import { Process, World } from "./world.ts";

// The model check is worth what its store promises: the same as the real one, in whatever order operations come.
const world = new World(new Random(1), null);
const mongo = new SimulatedMongo(world);
const store = new StoreClient(mongo, new Process("worker", 0));
const other = new StoreClient(mongo, new Process("other", 0));
let isOver = false;

async function loopTurn(): Promise<void> {
  while (!isOver) {
    await world.step();
    await setImmediate();
  }
}

beforeAll(() => void loopTurn());
afterAll(() => {
  isOver = true;
});

describe("the key store of the model", () => {
  keyStoreConformance(() => store);
});
describe("the desired state of the model", () => {
  desiredStateConformance(() => ({ store, desired: other }));
});
describe("the inbound vault of the model", () => {
  inboundVaultConformance(() => store);
});

it("finds a key by its create job as the reader does, for the API of the model", async () => {
  const key = await activeKey(store);
  expect(await other.findByCreateJob(key.job)).toEqual(key);
  expect(await other.findByCreateJob("create-nothing")).toBeNull();
});
