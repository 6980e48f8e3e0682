import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { startTestXray, type TestXray } from "@veil/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { apiCalls } from "../support/api-calls.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const run = promisify(execFile);
const repoRoot = new URL("../../", import.meta.url).pathname;
const failure = z.object({ code: z.number(), stderr: z.string() });
const nodeList = z.object({ nodes: z.array(z.looseObject({ name: z.string(), state: z.string() })) });

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let xray: TestXray;
const { done } = apiCalls(() => stack);

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  stack = await startStack(dataDir.path);
  xray = await startTestXray((await stack.readRunFile()).xray.binary, {
    inbounds: { "Trojan.in": { protocol: "trojan" } },
  });
});

afterAll(async () => {
  await xray.stop();
  await stack.stop();
  await dataDir.remove();
});

/** @returns what it printed, without the dots of each line's end */
async function fleet(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, API_URL: stack.apiUrl, API_SECRET_KEY: stack.apiKey };
  const program = join(repoRoot, "tools/fleet/dist/main.js");
  return (await run(process.execPath, [program, ...args], { env, cwd: dataDir.path })).stdout;
}

async function written(text: string): Promise<string> {
  const path = join(dataDir.path, "fleet.yaml");
  await writeFile(path, text);
  return path;
}

test("a file is applied once, says what it does before it does it, and is found as it was exported", async () => {
  const exported = await fleet("export");
  expect(await fleet("apply", await written(exported))).toBe("0 done, 1 unchanged\n");

  const node = `  - name: fi-1\n    address: ${xray.api}\n    inbounds: [{ tag: ${xray.inboundTag}, protocol: vless }]\n    note: one\n    multiplier: 1.5\n`;
  const file = await written(
    `${exported.replace("hosts: []\n", "")}${node}hosts:\n  - { id: cdn, node: fi-1, order: 3 }\n`,
  );
  const planned = await fleet("apply", file, "--dry-run");
  expect(planned).toContain("+ node fi-1\n");
  expect(planned).toContain("+ host cdn\n");
  expect(planned).toContain("2 to do, 1 unchanged");
  expect(nodeList.parse(await done("GET", "/nodes")).nodes).toHaveLength(1);

  expect(await fleet("apply", file)).toBe(planned.replace("2 to do", "2 done"));
  expect(await fleet("apply", file)).toBe("0 done, 3 unchanged\n");
  expect(await done("GET", "/hosts/cdn")).toMatchObject({ node: "fi-1", order: 3 });

  const drained = await written((await fleet("export")).replace("note: one", "note: two\n    draining: true"));
  expect(await fleet("apply", drained)).toContain('~ node fi-1\n    note: "one" → "two"\n~ node fi-1: drain\n');
  expect(await done("GET", "/nodes/fi-1")).toMatchObject({ note: "two", state: "draining", multiplier: 1.5 });

  const first = await written(exported);
  expect(await fleet("apply", first)).toContain("(--prune deletes them): cdn, fi-1");
  expect(await fleet("apply", first, "--prune")).toBe("- host cdn\n- node fi-1\n2 done, 1 unchanged\n");
  expect(nodeList.parse(await done("GET", "/nodes")).nodes.map(({ name }) => name)).toEqual(["main"]);
});

test("a file names inbounds, and the hosts that come with them", async () => {
  const exported = await fleet("export");
  const inbounds = [
    { tag: xray.inboundTag, protocol: "vless" },
    { tag: "Trojan.in", protocol: "trojan", port: xray.ports["Trojan.in"] },
  ];
  const id = "n_fi-1_Trojan~2e~in";
  const node = { name: "fi-1", address: xray.api, inbounds };
  const text = (...hosts: object[]) =>
    `${exported.replace("hosts: []\n", "")}  - ${JSON.stringify(node)}\nhosts: ${JSON.stringify(hosts)}\n`;
  const file = await written(text({ id, node: "fi-1", remark: "{protocol}" }));
  expect(await fleet("apply", file)).toMatch(
    /^\+ node fi-1\n[^~]*~ host n_fi-1_Trojan~2e~in\n.*\n2 done, 1 unchanged\n$/,
  );
  expect(await fleet("apply", file)).toBe("0 done, 3 unchanged\n");
  expect(await done("GET", `/hosts/${id}`)).toMatchObject({ inbound: "Trojan.in", remark: "{protocol}" });

  const again = await fleet("export");
  expect(again).toContain(`id: ${id}\n    node: fi-1\n    inbound: Trojan.in\n    remark: "{protocol}"\n`);
  expect(await fleet("apply", await written(again))).toBe("0 done, 3 unchanged\n");
  expect(await fleet("apply", await written(text({ id, node: "fi-1" })))).toContain('remark: "{protocol}" → null');
  expect(await fleet("apply", await written(exported), "--prune")).toBe("- node fi-1\n1 done, 1 unchanged\n");
});

test("what can't be said, or is refused, ends it with the reason", async () => {
  const fails = async (text: string) => {
    const file = await written(text);
    return failure.parse(await fleet("apply", file).then(String, (error: unknown) => error));
  };
  expect(await fails("nodes: [{ name: a, address: b }]")).toEqual({
    code: 1,
    stderr: expect.stringContaining("nodes[0].address: address must be host:port"),
  });
  expect(await fails("hosts: [{ id: cdn, node: nowhere }]")).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^PUT \/api\/hosts\/cdn: 400 .*nowhere/),
  });
});
