import { setTimeout as sleep } from "node:timers/promises";
import { type DesiredUser, UnreadableRecordError } from "@veil/keys";
import { inMemoryLifecycle, plant } from "@veil/keys/testing";
import { type InboundKind, PLAIN_KIND, protocolNamed } from "@veil/protocols";
import { connectRedis, type Redis } from "@veil/redis";
import { createLogger, systemClock } from "@veil/runtime";
import { ownPrefix } from "@veil/test-support";
import { type ConfigClient, ConfigInvalidError, type XrayConfigFile } from "@veil/xray-config";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test, vi } from "vitest";
import { ConfigMirror } from "./config-mirror.ts";
import { onlyWriterOf } from "./only-writer.ts";
import { SharedWrites } from "./shared-writes.ts";

const UUID = "3c4a2a55-6a3f-4bb5-9c9d-0d6c1d8d8a11";
let redis: Redis;
let store: ReturnType<typeof inMemoryLifecycle>["store"];
/** The keys as comparisons read them: perhaps older than what happened to them. */
let desired: Map<number, DesiredUser>;
let inFile: Map<string, ConfigClient>;
let isWritable: boolean;
let mirror: ConfigMirror;
let isOptional: boolean;
/** Whether the file has the inbound. */
let hasInbound: boolean;
let said: string[];
let open: (kind?: InboundKind) => ConfigMirror;

beforeAll(() => {
  redis = connectRedis(inject("redisUrl"), "patient", () => undefined);
});
afterAll(() => redis.disconnect());

beforeEach(() => {
  store = inMemoryLifecycle().store;
  desired = new Map();
  inFile = new Map();
  [isWritable, isOptional, hasInbound, said] = [true, false, true, []];
  const requireInbound = () => {
    if (!hasInbound) throw new ConfigInvalidError("it has no inbound reality", { lacksInbound: true });
  };
  const file: Pick<XrayConfigFile, "look" | "update"> = {
    look: async () => {
      requireInbound();
      return { clients: [...inFile.values()], defaultFlow: "", accepts: () => true };
    },
    update: async (changesOf) => {
      const changes = await changesOf();
      requireInbound();
      if (!isWritable) throw new Error("no space left on device");
      for (const [email, client] of changes.flatMap(({ clients }) => [...clients])) {
        if (client === null) inFile.delete(email);
        else inFile.set(email, client);
      }
      return { result: "written", faults: new Map() };
    },
  };
  const onlyWriter = onlyWriterOf("test", { redis, prefix: ownPrefix() });
  const { write } = new SharedWrites({ file, onlyWriter, onWrite: () => undefined });
  const log = createLogger({ service: "test", version: "0", level: "silent" });
  vi.spyOn(log, "warn").mockImplementation((_: unknown, message?: string) => void said.push(`warn: ${message}`));
  vi.spyOn(log, "error").mockImplementation((_: unknown, message?: string) => void said.push(`error: ${message}`));
  open = (kind: InboundKind = PLAIN_KIND) =>
    new ConfigMirror({
      ...{
        ...{ file, write, kind, isOptional },
        isBraked: true,
        node: "test",
        inboundTag: "reality",
        groups: { names: ["default"], isCertain: true },
        shortId: "0badcafe",
      },
      state: { find: (keyId) => store.find(keyId), recentDesired: async () => desired },
      periodMs: 3_600_000,
      clock: systemClock,
      log,
      onDefaultFlow: () => undefined,
    });
  mirror = open();
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
    inFile.set(`${keyId}@veil`, { email: `${keyId}@veil`, values: [another(keyId), ""] });
  }
  await mirror.tick();
  expect([...inFile.values()].map(({ values: [uuid] }) => uuid)).not.toContain(UUID);
});

test("the client of a key whose record makes no sense stays as it is, and the others are written", async () => {
  const clientOf = (keyId: number) => ({ email: `${keyId}@veil`, values: [UUID, ""] as const });
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

test.each([
  ["trojan", { ...PLAIN_KIND, protocol: "trojan" }],
  ["shadowsocks-2022", { ...PLAIN_KIND, protocol: "shadowsocks-2022", serverKey: Buffer.alloc(32).toString("base64") }],
] as const)("a client of %s has what the key's account has over gRPC, and is written once", async (name, kind) => {
  mirror = open(kind);
  decide(1);
  await mirror.writeNow(1);
  const { accountOf, inConfig } = protocolNamed(name);
  const values = inConfig.valuesOf(accountOf({ uuid: UUID, flow: "" }, kind));
  expect([...inFile.values()]).toEqual([{ email: "1@veil", values }]);
  const written = inFile.get("1@veil");
  desired.set(1, { keyId: 1, uuid: UUID, flow: "xtls-rprx-vision", indeterminate: [], groups: ["default"] });
  await mirror.tick();
  expect(inFile.get("1@veil")).toBe(written);
});

test("an inbound that need not be in the file is left out of it, which is said once, until the file has it", async () => {
  [isOptional, hasInbound] = [true, false];
  mirror = open();
  decide(1);
  desired.set(1, { keyId: 1, uuid: UUID, flow: "", indeterminate: [], groups: ["default"] });
  await mirror.writeNow(1);
  expect(await mirror.tick()).toBe(true);
  await mirror.writeNow(1);
  expect(said).toEqual(["warn: Xray's config file is not kept for an inbound"]);
  hasInbound = true;
  mirror = open();
  await mirror.tick();
  expect(emails()).toEqual(["1@veil"]);
});
