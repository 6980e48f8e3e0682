import { startTestXray, type TestXray } from "@veil/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { apiCalls } from "../support/api-calls.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { metricsOf } from "../support/leaked-tokens.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient } from "../support/vpn-client.ts";

/** A pass, a note of it, and two looks. */
const NOTICED_WITHIN = { timeout: 60_000, interval: 500 };
const BYTES = 100_000;

const healthSchema = z.looseObject({ link_fault: z.string().nullable(), users: z.number().nullable() });
const linksSchema = z.object({ links: z.array(z.object({ node: z.string(), link: z.string() })) });

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let binary: string;
let xray: TestXray;
let bytes: ByteServer;
const { done } = apiCalls(() => stack);

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path);
  ({ binary } = (await stack.readRunFile()).xray);
  xray = await startTestXray(binary);
});

afterAll(async () => {
  await xray?.stop();
  await stack?.stop();
  await bytes?.stop();
  await dataDir?.remove();
});

const faultOf = async (node: string) => healthSchema.parse(await done("GET", `/nodes/${node}/health`)).link_fault;
const mismatched = async () =>
  Number(/^veil_hosts_mismatched(?:\{[^}]*\})? (\d+)$/m.exec((await metricsOf(stack.output())).join("\n"))?.[1]);

/** Whether a client that does as the links of a new key say moves bytes. @param withinMs how long it may be silent; 30 s when absent */
async function leadsSomewhere(node: string, withinMs?: number): Promise<boolean> {
  const { key_id: keyId } = z.looseObject({ key_id: z.number() }).parse(await done("POST", "/keys", {}));
  const { links } = linksSchema.parse(await done("GET", `/keys/${keyId}/links`));
  const client = await startVpnClient(binary, links.find((one) => one.node === node)?.link ?? "");
  try {
    return (await client.download(bytes.downloadUrl(BYTES), withinMs)) === BYTES;
  } catch {
    return false;
  } finally {
    await client.stop();
  }
}

test("links that are right are reported by nobody", async () => {
  await expect
    .poll(async () => healthSchema.parse(await done("GET", "/nodes/main/health")).users, NOTICED_WITHIN)
    .toBe(0);
  expect([await faultOf("main"), await mismatched()]).toEqual([null, 0]);
});

test("a node whose Xray has another key than the installation is reported, and no client gets in", async () => {
  const { api: address, inboundPort: port, shortId: short_id, serverName: sni, publicKey } = xray;
  // The key is left to the setting REALITY_PUBLIC_KEY, which is that of the stack's own Xray.
  await done("POST", "/nodes", { name: "fi-1", address, host: "127.0.0.1", port, short_id, sni });
  await expect.poll(() => faultOf("fi-1"), NOTICED_WITHIN).toContain(`has the public_key ${publicKey}, not `);
  await expect.poll(mismatched, NOTICED_WITHIN).toBe(1);
  expect(await leadsSomewhere("fi-1", 5_000)).toBe(false);
  await done("PATCH", "/nodes/fi-1", { public_key: publicKey });
  await expect.poll(() => faultOf("fi-1"), NOTICED_WITHIN).toBeNull();
  await expect.poll(mismatched, NOTICED_WITHIN).toBe(0);
  expect(await leadsSomewhere("fi-1")).toBe(true);
});

test("a host with a name that its Xray does not take is reported", async () => {
  await done("POST", "/hosts", { node: "fi-1", remark: "other", sni: "nowhere.example.com" });
  await expect.poll(() => faultOf("fi-1"), NOTICED_WITHIN).toContain("not the sni nowhere.example.com");
  expect(await faultOf("main")).toBeNull();
  await expect.poll(mismatched, NOTICED_WITHIN).toBe(1);
});
