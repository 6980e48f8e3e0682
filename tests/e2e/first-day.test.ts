import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { apiCalls } from "../support/api-calls.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const run = promisify(execFile);
const repoRoot = new URL("../../", import.meta.url).pathname;
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;

const { call } = apiCalls(() => stack);

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path);
  // A reader is slower than the first note that the node answers.
  const health = async () => (await call("GET", "/nodes/main/health")).body;
  await vi.waitFor(async () => expect(await health()).toMatchObject({ state: "active", reachable: true }));
});

afterAll(async () => {
  await stack.stop();
  await dataDir.remove();
});

/** The page's blocks of code, one after the other in one shell, with nothing replaced but where things are. */
async function script(): Promise<string> {
  const page = await readFile(join(repoRoot, "docs/first-day.md"), "utf8");
  const blocks = [...page.matchAll(/```bash\n(.*?)```/gs)].map(([, code = ""]) => code);
  expect(blocks.length).toBeGreaterThan(5);
  return blocks
    .join("\necho\n")
    .replaceAll("http://127.0.0.1:8000", stack.apiUrl)
    .replaceAll(".veil/", `${dataDir.path}/`)
    .replaceAll("veil.tar", join(dataDir.path, "veil.tar"));
}

test("the page of the first day runs from its first line to its last", async () => {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], VEIL_DATA_DIR: dataDir.path };
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", await script()], { cwd: repoRoot, env });
  expect(stdout).not.toContain('"detail"');
  expect(stdout).toMatch(/"status":"on_hold"[^\n]*"traffic_reset":"month"/);
  expect(stdout).toContain('"vless_link":"vless://');
  expect(stdout).toContain(`"hold_for":${60 * 86_400}`);
  expect(stdout).toMatch(/"key_id":2,[^\n]*"external_id":"tg-42"/);
  // An event is in the log a moment after its change was answered.
  const log = () => call("GET", "/events?limit=10");
  await vi.waitFor(async () => {
    expect(JSON.stringify((await log()).body)).toMatch(/"type":"key\.created".*"name":"telegram-bot"/);
  });
  expect(stdout).toMatch(/"state":"active"[^\n]*"reachable":true/);
  expect((await stat(join(dataDir.path, "veil.tar"))).size).toBeGreaterThan(1_000);
});
