import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiClient } from "../support/api-client.ts";
import { pythonWith } from "../support/python-with.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const run = promisify(execFile);
const repoRoot = new URL("../../", import.meta.url).pathname;
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path);
});

afterAll(async () => {
  await stack.stop();
  await dataDir.remove();
});

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  );
}

/** The code block under a heading of `docs/bots.md`, with only address and key replaced. */
async function example(heading: string): Promise<string> {
  const guide = await readFile(join(repoRoot, "docs/bots.md"), "utf8");
  const section = guide.split(/^###? /m).find((part) => part.startsWith(`${heading}\n`));
  const code = /```\w+\n(.*?)```/s.exec(section ?? "")?.[1];
  if (code === undefined) throw new Error(`docs/bots.md has no example under "${heading}"`);
  return code.replaceAll("https://your-domain.com", stack.apiUrl).replaceAll("your-secret-key-here", stack.apiKey);
}

test.for(["Python (requests)", "Python (httpx, asynchronous)"])(
  "the example %s runs as it stands",
  async (heading, { skip }) => {
    const programs = await pythonWith("examples-python", ["requests", "httpx"]);
    if (programs === null) {
      skip("this machine has no python3 with venv");
      return;
    }
    const { stdout } = await run(join(programs, "python"), ["-c", await example(heading)]);
    expect(stdout).toContain("VLESS link: vless://");
  },
);

test("the example JavaScript (fetch) runs as it stands", async () => {
  const { stdout } = await run(process.execPath, ["-e", await example("JavaScript (fetch)")]);
  expect(stdout).toContain("VLESS link: vless://");
  expect(stdout).toContain("Traffic reset, previous total: 0 MB");
});

test("the example PHP (curl) runs as it stands", async ({ skip }) => {
  if (!(await runs("php", ["-r", "exit(extension_loaded('curl') ? 0 : 1);"])))
    skip("this machine has no php with curl");
  const file = join(dataDir.path, "example.php");
  await writeFile(file, await example("PHP (curl)"));
  const { stdout } = await run("php", [file]);
  expect(stdout).toContain("VLESS link: vless://");
  expect(stdout).toMatch(/Nameless key: \d+\nKey \d+ deleted successfully/);
});

test("the example Go (net/http) runs as it stands", { timeout: 180_000 }, async ({ skip }) => {
  if (!(await runs("go", ["version"]))) skip("this machine has no go");
  const file = join(dataDir.path, "example.go");
  await writeFile(file, await example("Go (net/http)"));
  const { stdout } = await run("go", ["run", file]);
  expect(stdout).toContain("VLESS link: vless://");
  expect(stdout).toMatch(/Key \d+ deleted successfully/);
});

test("the calls of the README answer as documented", async () => {
  const readme = await readFile(join(repoRoot, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```bash\n(.*?)```/gs)].map(([, code = ""]) => code);
  const { key_id } = await new ApiClient(stack.apiUrl, stack.apiKey).create();
  const script = blocks
    .filter((code) => code.includes("curl "))
    .join("\necho\n")
    .replaceAll("http://127.0.0.1:8000", stack.apiUrl)
    .replaceAll(".veil/", `${dataDir.path}/`)
    .replace("KEY=1 ", `KEY=${key_id} `);
  const { stdout } = await run("bash", ["-euc", script]);
  expect(stdout).toMatch(/"name":"user_123"[^\n]*"is_active":true/);
  expect(stdout).toMatch(new RegExp(`"key_id":${key_id},"vless_link":"vless://`));
  expect(stdout).toMatch(/"upload":\d+,"download":\d+,"total":\d+,"last_updated":/);
  expect(stdout).toContain(`{"success":true,"message":"Key ${key_id} deleted successfully"}`);
});

test("the example cURL runs as it stands, for a key that exists", async () => {
  const { key_id } = await new ApiClient(stack.apiUrl, stack.apiKey).create();
  const script = (await example("cURL")).replace("KEY_ID=1", `KEY_ID=${key_id}`);
  const { stdout } = await run("bash", ["-euc", script]);
  expect(stdout).toContain('"vless_link":"vless://');
  expect(stdout).toContain(`Key ${key_id} deleted successfully`);
});

test("the calls beyond single ones answer as documented", async () => {
  const { stdout } = await run("bash", ["-euc", await example("Beyond single calls")]);
  expect(stdout).toMatch(/idempotency-replayed: true/i);
  expect(stdout).toContain('{"detail":"Idempotency-Key was used before with another request"}');
  expect(stdout).toMatch(/HTTP\/1\.1 202 Accepted[^]*location: \/api\/jobs\/[^]*"status":"queued"/i);
  expect(stdout).toContain('{"status":"error","detail":"name must be a string or null"}],"succeeded":1,"failed":1}');
  expect(stdout).toContain('{"status":"error","detail":"Key with id 999999 not found"}');
  expect(stdout).toMatch(/"traffic":\[\{"key_id":\d+,"upload":0/);
  expect(stdout).toMatch(/"name":"bot",[^\n]*"owner":"shop",[^\n]*"token":"veil_\w{40}"/);
  expect(stdout).toContain("HTTP/1.1 304 Not Modified");
});

test("the calls of terms and of many keys answer as documented", async () => {
  const { stdout } = await run("bash", ["-euc", await example("Terms and many keys")]);
  expect(stdout).toMatch(/veil-outcome: created[^]*veil-outcome: unchanged/i);
  expect(stdout).toMatch(/"status":"active"[^]*"external_id":"tg-42","tag":"paid"[^]*"total":1\}/);
  expect(stdout).toMatch(/HTTP\/1\.1 202 Accepted[^]*location: \/api\/jobs\/update-batch-/i);
  expect(stdout).toMatch(/"keys":\{"total":\d+,"active":\d+/);
});

test("npm run jobs finds the Redis of the npm start that runs", async () => {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], VEIL_DATA_DIR: dataDir.path };
  const { stdout } = await run(process.execPath, ["tools/bootstrap.mjs", "jobs", "failed"], { cwd: repoRoot, env });
  expect(stdout).toBe("0 failed jobs\n");
});
