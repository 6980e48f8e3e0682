import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type FlakyProxy, startFlakyProxy } from "../support/flaky-proxy.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { type GeneratedClient, type MakeClient, OPENAPI_FILE, repoRoot } from "./generated-client.ts";
import { makePublishedPythonClient, makePublishedTypescriptClient } from "./published-clients.ts";

const run = promisify(execFile);
const makers: Readonly<Record<string, MakeClient>> = {
  typescript: makePublishedTypescriptClient,
  python: makePublishedPythonClient,
};

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let flaky: FlakyProxy;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path, { WEBHOOK_ALLOW_PRIVATE: "true" });
  flaky = await startFlakyProxy(stack.apiUrl);
});

afterAll(async () => {
  await flaky?.close();
  await stack?.stop();
  await dataDir?.remove();
});

test.for(Object.entries(makers))(
  "the %s client, packed and installed, makes each change once and takes signed events alone",
  async ([language, make], { skip }) => {
    const client = await make();
    if ("missing" in client) {
      process.stderr.write(`The ${language} client is left out: this machine has no ${client.missing}\n`);
      skip(`this machine has no ${client.missing}`);
      return;
    }
    flaky.writes.length = 0;
    expect(await sightings(client, `bot-${language}`)).toEqual({
      made: 1,
      forged: 401,
      deleted: true,
      missing: true,
      events: ["key.created", "key.deleted"],
    });
    const creations = flaky.writes
      .filter(({ method }) => method === "POST")
      .map(({ idempotencyKey }) => idempotencyKey);
    const deletions = flaky.writes.filter(({ method }) => method === "DELETE");
    // The first answer was lost, the second one said 503.
    expect([creations.length, new Set(creations).size]).toEqual([3, 1]);
    expect(creations[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(deletions.map(({ idempotencyKey }) => idempotencyKey)).toEqual(Array(3).fill(`delete-bot-${language}`));
  },
);

test("the versions are that of the contract", async () => {
  const version = z.object({ version: z.string() });
  const { info } = z.object({ info: version }).parse(JSON.parse(await readFile(OPENAPI_FILE, "utf8")));
  const packageFile = await readFile(join(repoRoot, "clients/typescript/package.json"), "utf8");
  const project = await readFile(join(repoRoot, "clients/python/pyproject.toml"), "utf8");
  expect(version.parse(JSON.parse(packageFile)).version).toBe(info.version);
  expect(/^version = "(.*)"$/m.exec(project)?.[1]).toBe(info.version);
});

async function sightings({ command, args }: GeneratedClient, name: string): Promise<unknown> {
  const { stdout } = await run(command, [...args, stack.apiUrl, flaky.url, stack.apiKey, name]);
  return JSON.parse(stdout);
}
