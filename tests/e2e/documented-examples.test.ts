import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ApiClient } from "../support/api-client.ts";
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

/** The code block under a heading of `docs/bots.md`, with only address and key replaced. */
async function example(heading: string): Promise<string> {
  const guide = await readFile(join(repoRoot, "docs/bots.md"), "utf8");
  const section = guide.split(/^### /m).find((part) => part.startsWith(`${heading}\n`));
  const code = /```\w+\n(.*?)```/s.exec(section ?? "")?.[1];
  if (code === undefined) throw new Error(`docs/bots.md has no example under "${heading}"`);
  return code.replaceAll("https://your-domain.com", stack.apiUrl).replaceAll("your-secret-key-here", stack.apiKey);
}

/** A Python with the two libraries of the examples, made once in the project's cache; null without Python. */
async function examplesPython(): Promise<string | null> {
  const home = join(repoRoot, ".cache/examples-python");
  const python = join(home, "bin/python");
  try {
    await access(python);
  } catch {
    try {
      await run("python3", ["-m", "venv", home]);
    } catch {
      return null;
    }
  }
  await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "requests", "httpx"]);
  return python;
}

test.for(["Python (requests)", "Python (httpx, asynchronous)"])(
  "the example %s runs as it stands",
  async (heading, { skip }) => {
    const python = await examplesPython();
    if (python === null) {
      skip("this machine has no python3 with venv");
      return;
    }
    const { stdout } = await run(python, ["-c", await example(heading)]);
    expect(stdout).toContain("VLESS link: vless://");
  },
);

test("the example JavaScript (fetch) runs as it stands", async () => {
  const { stdout } = await run(process.execPath, ["-e", await example("JavaScript (fetch)")]);
  expect(stdout).toContain("VLESS link: vless://");
  expect(stdout).toContain("Traffic reset, previous total: 0 MB");
});

test("the example cURL runs as it stands, for a key that exists", async () => {
  const { key_id } = await new ApiClient(stack.apiUrl, stack.apiKey).create();
  const script = (await example("cURL")).replace("KEY_ID=1", `KEY_ID=${key_id}`);
  const { stdout } = await run("bash", ["-euc", script]);
  expect(stdout).toContain('"vless_link":"vless://');
  expect(stdout).toContain(`Key ${key_id} deleted successfully`);
});
