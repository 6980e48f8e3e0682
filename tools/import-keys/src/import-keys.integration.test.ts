import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMongoStore } from "@veil/mongo";
import { SharedClock } from "@veil/runtime";
import { ownDatabase, ownPrefix, startTestXray, type TestXray } from "@veil/test-support";
import { connectXrayNode, type InboundUser, type XrayNode } from "@veil/xray-grpc";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { ImportConflictError, ImportStoppedError, KeyFlowsDifferError } from "./import-errors.ts";
import { type ImportPorts, importKeys, planImport } from "./import-keys.ts";
import { importSettings, openPorts } from "./open-ports.ts";
import { type LegacyKey, legacyEmails } from "./legacy-key.ts";

let xray: TestXray;
let node: XrayNode;
let ports: ImportPorts;
let mongodbUri: string;
let close: () => Promise<void>;
let dir: string;
let configFile: string;

beforeAll(async () => {
  xray = await startTestXray(inject("xrayBinary"));
  node = connectXrayNode({ name: "main", address: xray.api, inboundTag: xray.inboundTag });
  dir = await mkdtemp(join(tmpdir(), "veil-import-"));
  configFile = join(dir, "config.json");
});

beforeEach(async () => {
  await writeFile(configFile, configOf([]));
  mongodbUri = ownDatabase(inject("mongodbUri"));
  const settings = importSettings.parse({
    REDIS_URL: inject("redisUrl"),
    MONGODB_URI: mongodbUri,
    QUEUE_PREFIX: ownPrefix(),
    XRAY_NODES: JSON.stringify([{ name: "main", address: xray.api, inbound_tag: xray.inboundTag }]),
    XRAY_CONFIG_PATH: configFile,
  });
  const opened = await openPorts(settings, { signal: new AbortController().signal, onProgress: () => undefined });
  ({ ports, close } = opened);
});

afterEach(async () => {
  await close();
  for (const { email } of await node.listUsers()) await node.removeUser(email);
});

afterAll(async () => {
  node.close();
  await xray.stop();
  await rm(dir, { recursive: true, force: true });
});

function legacyKeys(count: number, firstId = 1): LegacyKey[] {
  return Array.from({ length: count }, (_, index) => ({
    id: firstId + index,
    uuid: randomUUID(),
    name: `ключ ${index}`,
    shortId: "7bb45050",
    createdAt: 1_700_000_000,
    isActive: true,
    traffic: { up: 10, down: 20, updatedAt: 1_700_000_001 },
  }));
}

function configOf(clients: readonly { id: string; email: string }[]): string {
  const inbound = { tag: "vless-in", protocol: "vless", settings: { clients, decryption: "none" } };
  return JSON.stringify({ inbounds: [inbound] }, null, 2);
}

function userOf(email: string, uuid: string, flow: "" | "xtls-rprx-vision" = "") {
  return { email, account: { protocol: "vless", uuid, flow } } as const;
}

/** A user whose account is none that we would write, as Xray would list it. */
function otherUser(email: string, uuid: string, flow: string, level: number): InboundUser {
  const field = (number: number, text: string) => [Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)];
  const value = Buffer.concat([...field(1, uuid), ...field(2, flow)]).toString("base64");
  return { email, account: { protocol: "other", type: "xray.proxy.vless.Account", value, level } };
}

function flowOf(account: InboundUser["account"]): string | null {
  return account.protocol === "vless" ? account.flow : null;
}

async function addFormerUsers(keys: readonly LegacyKey[]): Promise<void> {
  for (const key of keys) await node.addUser(userOf(legacyEmails(key)[0], key.uuid));
}

async function usersThere(): Promise<string[]> {
  const users = await node.listUsers();
  return users.map(({ email, account }) => `${email} ${account.protocol === "vless" ? account.uuid : "?"}`).sort();
}

function expected(keys: readonly LegacyKey[]): string[] {
  return keys.map(({ id, uuid }) => `${id}@veil ${uuid}`).sort();
}

/** Fails as a process does that is killed before its n-th change of a user. */
function dyingAfter(changes: number): XrayNode {
  let left = changes;
  const dying =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error("killed")) : call(...args);
    };
  return { ...node, addUser: dying(node.addUser), removeUser: dying(node.removeUser) };
}

describe("planImport", () => {
  it("leaves the flow of keys of the version before to the workers", async () => {
    const store = openMongoStore({ uri: mongodbUri, onError: () => undefined });
    const connection = await store.connection.asPromise();
    const older = {
      key_id: 900,
      uuid: randomUUID(),
      name: null,
      created_at: 1,
      job: "older",
      activated: true,
      phase: 1,
    };
    await connection.collection<{ _id: string } & Record<string, unknown>>("keys").insertOne({ _id: "900", ...older });
    await planImport(legacyKeys(1), ports);
    expect(await connection.collection("installation").countDocuments()).toBe(0);
    await store.close();
  });
});

describe("importKeys", () => {
  it("gives every key its user under our e-mail alone and leaves other people's alone", async () => {
    const keys = legacyKeys(20);
    const unmanaged = userOf("friend", randomUUID());
    await addFormerUsers(keys);
    await node.addUser(unmanaged);
    await writeFile(configFile, configOf(keys.map((key) => ({ id: key.uuid, email: legacyEmails(key)[1] }))));
    expect(await importKeys(keys, ports)).toMatchObject({
      added: 20,
      totalsTaken: 20,
      replaced: 20,
      config: "written",
    });
    expect(await usersThere()).toEqual([...expected(keys), `friend ${unmanaged.account.uuid}`].sort());
    const clients = JSON.parse(await readFile(configFile, "utf8")).inbounds[0].settings.clients;
    expect(clients.map(({ id, email }: Record<string, string>) => `${email} ${id}`).sort()).toEqual(expected(keys));
  });

  it("goes by Redis' time", () => {
    // It has none before Redis was asked.
    expect(ports.clock instanceof SharedClock && ports.clock.skewMs).toEqual(expect.any(Number));
  });

  it("does nothing the second time", async () => {
    const keys = legacyKeys(20);
    await addFormerUsers(keys);
    await importKeys(keys, ports);
    const nothing = { added: 0, present: 20, totalsTaken: 0, countersMoved: 0, replaced: 0, config: "unchanged" };
    expect(await importKeys(keys, ports)).toMatchObject(nothing);
  });

  it("repairs keys to which a worker had added our user beside the one of before", async () => {
    const keys = legacyKeys(3);
    await addFormerUsers(keys);
    for (const { id, uuid } of keys) await node.addUser(userOf(`${id}@veil`, uuid));
    const removed: string[] = [];
    const watched: XrayNode = {
      ...node,
      removeUser: (email) => {
        removed.push(email);
        return node.removeUser(email);
      },
    };
    await importKeys(keys, { ...ports, nodes: [watched] });
    expect(await usersThere()).toEqual(expected(keys));
    // Removing the one of before takes the UUID from ours too, so ours is added anew.
    expect(removed.filter((email) => email.endsWith("@veil"))).toHaveLength(3);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])("ends right when it was killed after %d changes of users", async (changes) => {
    const keys = legacyKeys(3);
    await addFormerUsers(keys);
    await expect(importKeys(keys, { ...ports, nodes: [dyingAfter(changes)] }))
      .rejects.toThrow()
      .catch(() => undefined);
    await importKeys(keys, ports);
    expect(await usersThere()).toEqual(expected(keys));
  });

  it("stops between two users when it is asked to, and goes on in the next run", async () => {
    const keys = legacyKeys(30);
    await addFormerUsers(keys);
    const stopping = new AbortController();
    const onProgress: ImportPorts["onProgress"] = (step, done) => {
      if (step.startsWith("users") && done === 10) stopping.abort();
    };
    const stopped = importKeys(keys, { ...ports, onProgress, signal: stopping.signal });
    await expect(stopped).rejects.toThrow(ImportStoppedError);
    const left = await usersThere();
    expect(left).toHaveLength(30);
    expect(left.filter((user) => user.startsWith("user_")).length).toBeGreaterThan(0);
    await importKeys(keys, ports);
    expect(await usersThere()).toEqual(expected(keys));
  });

  it("takes the user of a key that was deleted meanwhile away and brings nothing back", async () => {
    const keys = legacyKeys(2);
    await importKeys(keys, ports);
    await node.removeUser("1@veil");
    await ports.store.beginDeletion(1, "delete-1");
    await addFormerUsers(keys.slice(0, 1));
    await importKeys(keys, ports);
    expect(await usersThere()).toEqual(expected(keys.slice(1)));
  });

  it("leaves inactive keys out and hands out ids above all of them", async () => {
    const [active, inactive] = legacyKeys(2, 40);
    if (active === undefined || inactive === undefined) throw new Error("two keys were made");
    await importKeys([active, { ...inactive, isActive: false }], ports);
    expect(await usersThere()).toEqual(expected([active]));
    const attributes = { uuid: randomUUID(), flow: "" as const, name: null, owner: null };
    const claim = { ...attributes, job: "create-1", createdAt: 0, deadline: 0 };
    expect((await ports.store.claim(claim))?.keyId).toBe(42);
  });

  it("refuses ids that other keys have, before it changes anything", async () => {
    await importKeys(legacyKeys(2), ports);
    const others = legacyKeys(3);
    await addFormerUsers(others);
    const before = await usersThere();
    await expect(importKeys(others, ports)).rejects.toThrow(ImportConflictError);
    expect(await usersThere()).toEqual(before);
  });

  it("keeps each key's flow, so that Xray goes on letting in the clients in the field", async () => {
    const [plain, vision, absent] = legacyKeys(3);
    if (plain === undefined || vision === undefined || absent === undefined) throw new Error("three keys were made");
    await node.addUser(userOf(legacyEmails(plain)[0], plain.uuid));
    await node.addUser(userOf(legacyEmails(vision)[0], vision.uuid, "xtls-rprx-vision"));
    await importKeys([plain, vision, absent], { ...ports, flow: "xtls-rprx-vision" });
    const flows = new Map((await node.listUsers()).map(({ email, account }) => [email, flowOf(account)]));
    expect(flows).toEqual(
      new Map([
        ["1@veil", ""],
        ["2@veil", "xtls-rprx-vision"],
        ["3@veil", "xtls-rprx-vision"],
      ]),
    );
    expect((await ports.store.find(2))?.flow).toBe("xtls-rprx-vision");
  });

  it("keeps the flow of accounts that we would never write, and removes the users that have them", async () => {
    const keys = legacyKeys(6);
    const accounts = [
      ["Анна Мария", "xtls-rprx-vision", 0],
      ["by hand", "", 0],
      ["user_3", "none", 0],
      ["user_4", "xtls-rprx-vision-udp443", 0],
      ["user_5", "xtls-rprx-direct", 0],
      ["user_6", "xtls-rprx-vision", 1],
    ] as const;
    for (const [index, [email, flow, level]] of accounts.entries()) {
      await node.addUser(otherUser(email, keys[index]?.uuid ?? "", flow, level));
    }
    await importKeys(keys, { ...ports, flow: "xtls-rprx-vision" });
    expect(await usersThere()).toEqual(expected(keys));
    const flows = await Promise.all(keys.map(async ({ id }) => (await ports.store.find(id))?.flow));
    expect(flows).toEqual(["xtls-rprx-vision", "", "", "", "", "xtls-rprx-vision"]);
  });

  it("sees a flow that differs in an account that we would never write", async () => {
    const [key] = legacyKeys(1);
    if (key === undefined) throw new Error("a key was made");
    await node.addUser(userOf(legacyEmails(key)[0], key.uuid, "xtls-rprx-vision"));
    await node.addUser(otherUser("by hand", key.uuid, "none", 0));
    await expect(planImport([key], ports)).rejects.toThrow(KeyFlowsDifferError);
  });

  it("refuses an account of a former user that can't be read, for its flow can't be kept", async () => {
    const [key] = legacyKeys(1);
    if (key === undefined) throw new Error("a key was made");
    const email = legacyEmails(key)[0];
    const account = { protocol: "other", type: "xray.proxy.vless.Account", value: "/w==", level: 0 } as const;
    const strange: XrayNode = { ...node, listUsers: () => Promise.resolve([{ email, account }]) };
    const planned = planImport([key], { ...ports, nodes: [strange] });
    await expect(planned).rejects.toThrow(`Xray node main: the accounts of ${email} can't be read`);
  });

  it("refuses a key whose accounts have different flows, for it can keep one alone", async () => {
    const [key] = legacyKeys(1);
    if (key === undefined) throw new Error("a key was made");
    await node.addUser(userOf(legacyEmails(key)[0], key.uuid, "xtls-rprx-vision"));
    await node.addUser(userOf("by-hand", key.uuid));
    await expect(planImport([key], ports)).rejects.toThrow(KeyFlowsDifferError);
  });
});
