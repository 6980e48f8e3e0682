import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { assert, asyncProperty, constantFrom, tuple, uint8Array } from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pythonWith } from "../support/python-with.ts";
import { type RunFile, type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const support = new URL("../support/schemathesis/", import.meta.url).pathname;
/** How long requests are made up and sent. */
const FUZZ_SECONDS = 60;
const FUZZ_NODES_SECONDS = 30;
/** The same cases at each run: whoever looks for others names another seed, and how many times longer to look. */
const FUZZ_SEED = process.env["VEIL_FUZZ_SEED"] ?? "1";
const FUZZ_TIMES = Number(process.env["VEIL_FUZZ_TIMES"] ?? 1);
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

/** Said rightly: hosts are made up with names that no inbound takes, for nodes that there are. */
const OF_MADE_UP_HOSTS = '"msg":"links to a host lead nowhere"';

/** The other lines of a service that a human must look at. */
async function faultsIn(service: string): Promise<string[]> {
  const text = await readFile(join(stack.dataDir, "logs", `${service}.log`), "utf8");
  const isFault = (line: string) => /"level":"(?:error|fatal)"/.test(line) || (line !== "" && line[0] !== "{");
  return text.split("\n").filter((line) => isFault(line) && !line.includes(OF_MADE_UP_HOSTS));
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
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly code: unknown; readonly out: string }> {
  const options = { cwd: dataDir.path, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, out: stdout + stderr });
    });
  });
}

interface FuzzOptions {
  /** Below `tests/support/schemathesis`. */
  readonly config: string;
  readonly seconds: number;
  /** Options of the program beside those of every run. */
  readonly more?: readonly string[];
}

/** Makes up requests from the OpenAPI document. @returns false on a machine without Python @throws {Error} what was found */
async function fuzz({ config, seconds, more = [] }: FuzzOptions): Promise<boolean> {
  const programs = await pythonWith("schemathesis", ["schemathesis==4.32.5"]);
  if (programs === null) return false;
  // One worker: threads of CPython 3.11 that parse source at once end in "AST constructor recursion depth mismatch".
  const args = [
    ...["--config-file", join(support, config), "run", `${stack.apiUrl}/openapi.json`],
    ...["--header", `Authorization: Bearer ${stack.apiKey}`],
    ...["--checks", "all", "--mode", "all", "--continue-on-failure", "--workers", "1"],
    ...["--seed", FUZZ_SEED, "--max-time", String(seconds * FUZZ_TIMES), "--request-timeout", "60"],
    ...["--generation-database", "none", "--no-color", "--warnings", "off", ...more],
  ];
  const env = { PYTHONPATH: support, PYTHONDONTWRITEBYTECODE: "1" };
  const { code, out } = await outcomeOf(join(programs, "schemathesis"), args, env);
  if (code !== 0) throw new Error(`schemathesis found faults:\n${out}`);
  process.stderr.write(`${/\d+ generated/.exec(out)?.[0] ?? "no"} cases of hostile input\n`);
  return true;
}

const NO_PYTHON = "this machine has no python3 with venv";

test("requests made up from the OpenAPI document, valid or not, are answered as it says", async ({ skip }) => {
  if (!(await fuzz({ config: "all.toml", seconds: FUZZ_SECONDS }))) skip(NO_PYTHON);
  await expectNothingBroke();
});

test("so are those that add, change and take away nodes and hosts", async ({ skip }) => {
  const more = ["--include-path-regex", "^/api/(nodes|hosts)"];
  if (!(await fuzz({ config: "nodes.toml", seconds: FUZZ_NODES_SECONDS, more }))) skip(NO_PYTHON);
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
