import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { assert, asyncProperty, constantFrom, tuple, uint8Array } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pythonWith } from "../support/python-with.ts";
import { type RunFile, type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const repoRoot = new URL("../../", import.meta.url).pathname;
/** How long requests are made up and sent. */
const FUZZ_SECONDS = 60;
let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let before: RunFile;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path, { RATE_LIMIT_PER_SECOND: "0" });
  before = await stack.readRunFile();
});

afterAll(async () => {
  await stack.stop();
  await dataDir.remove();
});

/** What a service wrote that a human must look at. */
async function faultsIn(service: string): Promise<string[]> {
  const text = await readFile(join(stack.dataDir, "logs", `${service}.log`), "utf8");
  return text.split("\n").filter((line) => /"level":"(?:error|fatal)"/.test(line) || (line !== "" && line[0] !== "{"));
}

async function expectNothingBroke(): Promise<void> {
  const after = await stack.readRunFile();
  for (const service of ["api", "xray-worker", "stats-collector"] as const) {
    expect([service, after[service].pid]).toEqual([service, before[service].pid]);
    expect(await faultsIn(service)).toEqual([]);
  }
}

/** Runs a program to its end, whatever it says. */
function outcomeOf(
  program: string,
  args: readonly string[],
): Promise<{ readonly code: unknown; readonly out: string }> {
  const options = { cwd: dataDir.path, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, out: stdout + stderr });
    });
  });
}

test("requests made up from the OpenAPI document, valid or not, are answered as it says", async ({ skip }) => {
  const programs = await pythonWith("schemathesis", ["schemathesis==4.32.5"]);
  if (programs === null) {
    skip("this machine has no python3 with venv");
    return;
  }
  const config = join(repoRoot, "tests/support/schemathesis.toml");
  // One worker: threads of CPython 3.11 that parse source at once end in "AST constructor recursion depth mismatch".
  const { code, out } = await outcomeOf(join(programs, "schemathesis"), [
    ...["--config-file", config, "run", `${stack.apiUrl}/openapi.json`],
    ...["--header", `Authorization: Bearer ${stack.apiKey}`],
    ...["--checks", "all", "--mode", "all", "--continue-on-failure", "--workers", "1"],
    ...["--max-time", String(FUZZ_SECONDS), "--request-timeout", "60"],
    ...["--generation-database", "none", "--no-color", "--warnings", "off"],
  ]);
  if (code !== 0) throw new Error(`schemathesis found faults:\n${out}`);
  process.stderr.write(`${/\d+ generated/.exec(out)?.[0] ?? "no"} cases of hostile input\n`);
  await expectNothingBroke();
});

/** Sends bytes as they are and waits for the end of the connection. */
async function sendRaw(bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(stack.apiUrl);
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = "";
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  socket.end(bytes);
  await closed;
  return answer;
}

test("whatever bytes come instead of HTTP, the answer is 400 or none, and the next request is answered", async () => {
  const requestLine = "POST /api/keys HTTP/1.1\r\n";
  const bytes = tuple(constantFrom("", requestLine, `${requestLine}Host: a\r\n`), uint8Array({ maxLength: 300 }));
  await assert(
    asyncProperty(bytes, async ([start, rest]) => {
      const answer = await sendRaw(Buffer.concat([Buffer.from(start), rest]));
      expect(answer).toMatch(/^(?:HTTP\/1\.1 4\d\d |$)/);
      expect((await fetch(stack.apiUrl)).status).toBe(200);
    }),
    { numRuns: 150 },
  );
  await expectNothingBroke();
});
