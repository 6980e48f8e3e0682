import { setTimeout as sleep } from "node:timers/promises";
import { type DesiredUser, UnreadableRecordError } from "@veil/keys";
import { inMemoryLifecycle, plant } from "@veil/keys/testing";
import { connectRedis, type Redis } from "@veil/redis";
import { createLogger, systemClock } from "@veil/runtime";
import { ownPrefix } from "@veil/test-support";
import type { ConfigClient, XrayConfigFile } from "@veil/xray-config";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
import { ConfigMirror } from "./config-mirror.ts";

const UUID = "3c4a2a55-6a3f-4bb5-9c9d-0d6c1d8d8a11";
let redis: Redis;
let store: ReturnType<typeof inMemoryLifecycle>["store"];
/** The keys as comparisons read them: perhaps older than what happened to them. */
let desired: Map<number, DesiredUser>;
let inFile: Map<string, ConfigClient>;
let isWritable: boolean;
let mirror: ConfigMirror;

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());

beforeEach(() => {
  store = inMemoryLifecycle().store;
  desired = new Map();
  inFile = new Map();
  isWritable = true;
  const file: Pick<XrayConfigFile, "look" | "update"> = {
    look: async () => ({ clients: [...inFile.values()], defaultFlow: "", accepts: () => true }),
    update: async (changesOf) => {
      const { clients } = await changesOf();
      if (!isWritable) throw new Error("no space left on device");
      for (const [email, client] of clients) {
        if (client === null) inFile.delete(email);
        else inFile.set(email, client);
      }
      return "written";
    },
  };
  mirror = new ConfigMirror({
    ...{
      file,
      isBraked: true,
      node: "test",
      inboundTag: "reality",
      groups: { names: ["default"], isCertain: true },
      shortId: "0badcafe",
    },
    state: { find: (keyId) => store.find(keyId), recentDesired: async () => desired },
    exclusive: { redis, prefix: ownPrefix() },
    periodMs: 3_600_000,
    clock: systemClock,
    log: createLogger({ service: "test", version: "0", level: "silent" }),
    onDefaultFlow: () => undefined,
    onWrite: () => undefined,
  });
});
afterEach(() => mirror.close(AbortSignal.timeout(10_000)));

function decide(keyId: number, phase: "active" | "deleting" = "active"): void {
  plant(store, [], { keyId, uuid: UUID, phase });
}

const emails = () => [...inFile.keys()].toSorted();
const eventually = (look: () => void) => vi.waitFor(look, { interval: 20 });

test("a key that a write finds under creation is in the file once it is decided", async () => {
  mirror.soon(1);
  await mirror.writeNow(7);
  await sleep(2_500);
  expect(emails()).toEqual([]);
  decide(1);
  await eventually(() => expect(emails()).toEqual(["1@veil"]));
});

test("what could not be written is written with the next write", async () => {
  decide(1);
  mirror.soon(1);
  await eventually(() => expect(emails()).toEqual(["1@veil"]));
  desired.set(1, { keyId: 1, uuid: UUID, flow: "", indeterminate: [], groups: ["default"] });
  decide(1, "deleting");
  isWritable = false;
  await mirror.writeNow(1);
  expect(emails()).toEqual(["1@veil"]);
  isWritable = true;
  await mirror.tick();
  expect(emails()).toEqual([]);
});

test("a file that can't be written is tried once a comparison, not again and again", async () => {
  isWritable = false;
  await mirror.writeNow(1);
  expect(await mirror.tick()).toBe(true);
  expect(await mirror.tick()).toBe(false);
});

test("a file most of whose clients are of another installation's keys of the same ids is left as it is", async () => {
  const another = (keyId: number) => `10000000-0000-4000-8000-${String(keyId).padStart(12, "0")}`;
  for (let keyId = 1; keyId <= 60; keyId += 1) {
    decide(keyId);
    desired.set(keyId, { keyId, uuid: UUID, flow: "", indeterminate: [], groups: ["default"] });
    inFile.set(`${keyId}@veil`, { email: `${keyId}@veil`, uuid: another(keyId), flow: "" });
  }
  await mirror.tick();
  expect([...inFile.values()].map(({ uuid }) => uuid)).not.toContain(UUID);
});

test("the client of a key whose record makes no sense stays as it is, and the others are written", async () => {
  const clientOf = (keyId: number) => ({ email: `${keyId}@veil`, uuid: UUID, flow: "" as const });
  for (const keyId of [1, 2]) inFile.set(`${keyId}@veil`, clientOf(keyId));
  decide(1, "deleting");
  const { find } = store;
  store.find = async (keyId) => {
    if (keyId === 2) throw new UnreadableRecordError("of a newer version");
    return find.call(store, keyId);
  };
  await mirror.writeNow(1, 2);
  expect(emails()).toEqual(["2@veil"]);
});
