import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommand, runCommand } from "@veil/backup";
import { ownDatabase } from "@veil/test-support";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { z } from "zod";
import type { KubernetesApi } from "@veil/kubernetes";
import { restoreKubernetes } from "./restore-kubernetes.ts";

const secretBody = z.object({ data: z.record(z.string(), z.string()) });
const kept = {
  "api-secret-key": "the-key-of-the-new-system",
  "mongodb-root-password": "of-the-new-system",
  "redis-password": "of-the-new-system",
};
const backedUp = { "api-secret-key": "the-key-that-bots-have", "reality-private-key": "the-key-of-links-in-the-field" };

let directory: string;
let source: MongoClient;
let target: MongoClient;
/** The content of the Secret `veil-secrets`, or null when there is none. */
let secret: Record<string, string> | null;
const replicas = { api: 0, "xray-worker": 0, "stats-collector": 0 };
const said: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-restore-"));
  const uris = [ownDatabase(inject("mongodbUri")), ownDatabase(inject("mongodbUri"))] as const;
  source = await MongoClient.connect(uris[0]);
  target = await MongoClient.connect(uris[1]);
  await source
    .db()
    .collection("keys")
    .insertMany([{ name: "one" }, { name: "two" }]);
  await target.db().collection("installation").insertOne({ flow: "none" });
  const place = { name: "a test", bySetting: [], read: async () => backedUp, write: async () => {} };
  const command = parseCommand(["backup", "--to", `${directory}/`]);
  if (command === null) throw new Error("no command");
  expect(await runCommand(command, { uri: uris[0], secrets: place }, () => {})).toBe(0);
});

afterAll(async () => {
  for (const client of [source, target]) {
    await client.db().dropDatabase();
    await client.close();
  }
  await rm(directory, { recursive: true, force: true });
});

const api: Pick<KubernetesApi, "call"> = {
  call: async (method, _group, path, options) => {
    const [kind, name = ""] = path.split("/");
    if (kind === "deployments")
      return { status: { replicas: Object.entries(replicas).find(([one]) => one === name)?.[1] } };
    if (method === "GET" && secret === null) return null;
    if (method === "GET") {
      const entries = Object.entries(secret ?? {});
      return { data: Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value).toString("base64")])) };
    }
    const restored = Object.entries(secretBody.parse(options?.body).data);
    secret = Object.fromEntries(restored.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
    return {};
  },
};

async function restore(): Promise<number> {
  const command = parseCommand(["restore", directory, "--replace"]);
  if (command?.action !== "restore") throw new Error("no command");
  const uri = target.options.hosts.map(String).join(",");
  return restoreKubernetes(command, `mongodb://${uri}/${target.db().databaseName}`, api, (line) => said.push(line));
}

const names = async () => (await target.db().collection("keys").find().toArray()).map(({ name }) => String(name));

test("nothing is restored while a service runs", async () => {
  secret = { ...kept };
  replicas["xray-worker"] = 2;
  expect(await restore()).toBe(1);
  expect(said.at(-1)).toContain("kubectl scale deployment xray-worker --replicas=0");
  expect([await names(), secret]).toEqual([[], kept]);
  replicas["xray-worker"] = 0;
});

test("the newest backup replaces what is there, and the passwords of the new system's engines stay", async () => {
  // A clock that was ahead dated it.
  const ahead = "veil-20990101T020000Z.tar";
  await writeFile(join(directory, ahead), "no archive");
  said.length = 0;
  expect(await restore()).toBe(0);
  const [passedOver, restoring] = said;
  expect(passedOver).toContain(ahead);
  expect(restoring).toMatch(/^Restoring the backup of \d{4}-.+ from .+\.tar\.$/);
  await rm(join(directory, ahead));
  expect(await names()).toEqual(["one", "two"]);
  expect(await target.db().collection("installation").countDocuments()).toBe(0);
  expect(secret).toEqual({ ...kept, ...backedUp });
});

test("secrets that come from elsewhere are named and left alone", async () => {
  secret = null;
  expect(await restore()).toBe(0);
  expect(said.at(-1)).toContain("api-secret-key, reality-private-key");
  expect(secret).toBeNull();
});
