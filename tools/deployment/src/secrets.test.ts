import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realityPublicKey } from "@veil/xray-config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DirectorySecretStore, handOutFiles } from "./directory-secrets.ts";
import { ensureSecrets, secretNames, shownValue } from "./secrets.ts";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-secrets-"));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test("the first start makes every secret, the second keeps them all", async () => {
  const store = new DirectorySecretStore(join(directory, "first"));
  const first = await ensureSecrets(store, {});
  expect(first.made).toEqual([...secretNames]);
  expect(new Set(Object.values(first.secrets)).size).toBe(secretNames.length);
  expect(await ensureSecrets(store, {})).toEqual({ secrets: first.secrets, made: [] });
});

test("a secret of the settings is taken, and kept for a start without it", async () => {
  const store = new DirectorySecretStore(join(directory, "given"));
  const API_SECRET_KEY = "an api key of the settings, long enough";
  expect((await ensureSecrets(store, { API_SECRET_KEY })).secrets["api-secret-key"]).toBe(API_SECRET_KEY);
  expect((await ensureSecrets(store, {})).secrets["api-secret-key"]).toBe(API_SECRET_KEY);
});

test("a Reality key that is none is refused before anything is kept", async () => {
  const store = new DirectorySecretStore(join(directory, "damaged"));
  await expect(ensureSecrets(store, { REALITY_PRIVATE_KEY: "no key" })).rejects.toThrow(RangeError);
  expect(await store.read()).toEqual({});
});

test("the public key of Reality is shown beside the secrets, once there is a private one", async () => {
  const { secrets } = await ensureSecrets(new DirectorySecretStore(join(directory, "shown")), {});
  expect(shownValue(secrets, "reality-public-key")).toBe(realityPublicKey(secrets["reality-private-key"]));
  expect(shownValue(secrets, "api-secret-key")).toBe(secrets["api-secret-key"]);
  expect(shownValue({}, "reality-public-key")).toBeUndefined();
});

test("secrets are readable by their owner alone, files handed out by all", async () => {
  const store = new DirectorySecretStore(join(directory, "modes"));
  await ensureSecrets(store, {});
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
  expect(await modeOf(join(store.place, "api-secret-key"))).toBe(0o600);

  const consumer = join(directory, "consumer");
  await handOutFiles(consumer, { "redis-url": "redis://:one@redis:6379" });
  expect(await modeOf(join(consumer, "redis-url"))).toBe(0o444);
  await handOutFiles(consumer, { "redis-url": "redis://:two@redis:6379" });
  expect(await readFile(join(consumer, "redis-url"), "utf8")).toBe("redis://:two@redis:6379");
  expect(await modeOf(join(consumer, "redis-url"))).toBe(0o444);

  // What a setup left that was killed before it had given the file its mode.
  await chmod(join(consumer, "redis-url"), 0o600);
  await handOutFiles(consumer, { "redis-url": "redis://:two@redis:6379" });
  expect(await modeOf(join(consumer, "redis-url"))).toBe(0o444);
});
