import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { fingerprints } from "./fingerprints.ts";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "veil-fingerprints-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** Has Xray itself check a client with one Reality outbound for each name. */
async function checkConfig(names: readonly string[]): Promise<string> {
  const file = join(directory, "config.json");
  const publicKey = generateKeyPairSync("x25519").publicKey.export({ format: "jwk" }).x;
  const outbounds = names.map((fingerprint) => ({
    protocol: "vless",
    settings: {
      vnext: [
        {
          address: "127.0.0.1",
          port: 443,
          users: [{ id: "66ad4540-b58c-4ad2-9926-ea63445a9b57", encryption: "none" }],
        },
      ],
    },
    streamSettings: {
      network: "raw",
      security: "reality",
      realitySettings: { serverName: "example.com", fingerprint, publicKey, shortId: "7bb45050" },
    },
  }));
  await writeFile(file, JSON.stringify({ outbounds }));
  const ended = promisify(execFile)(inject("xrayBinary"), ["run", "-test", "-c", file]);
  const { stdout } = await ended.catch((error: Error & { stdout: string }) => error);
  return stdout;
}

it("are all known to Xray", async () => {
  expect(await checkConfig(fingerprints)).toContain("Configuration OK");
});

it.each(["chrom", "unsafe", "hellogolang"])("lack %s, which Xray refuses", async (name) => {
  expect(fingerprints).not.toContain(name);
  expect(await checkConfig([name])).toMatch(/(?:unknown|invalid) "fingerprint"/);
});
