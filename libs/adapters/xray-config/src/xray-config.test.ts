import { mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureXrayConfig } from "./ensure-xray-config.ts";
import { ownAddresses, PRIVATE_DESTINATIONS } from "./private-destinations.ts";
import { xrayConfig } from "./xray-config.ts";

const options = {
  apiPort: 10_085,
  inboundPort: 443,
  realityTarget: "microsoft.com:443",
  serverNames: ["microsoft.com"],
  privateKey: "A".repeat(43),
  shortIds: ["7bb45050"],
};

describe("the configuration of Xray", () => {
  test("serves its API on loopback alone, with all that the services call", () => {
    expect(xrayConfig(options).api).toEqual({
      tag: "api",
      listen: "127.0.0.1:10085",
      services: ["HandlerService", "StatsService", "RoutingService"],
    });
  });

  test("has one VLESS inbound with REALITY and no users of its own", () => {
    const [inbound] = xrayConfig(options).inbounds;
    expect(inbound).toMatchObject({
      tag: "vless-in",
      port: 443,
      settings: { clients: [], decryption: "none" },
      streamSettings: { security: "reality", realitySettings: { target: "microsoft.com:443", shortIds: ["7bb45050"] } },
    });
  });

  test("closes private destinations by address and by name, and its own ones", () => {
    const closed = [...PRIVATE_DESTINATIONS, "198.0.2.7/32"];
    expect(xrayConfig({ ...options, blocked: ["198.0.2.7/32"] })).toMatchObject({
      routing: { rules: [{ ip: closed, outboundTag: "block" }, { ruleTag: "names" }, { ruleTag: "udp" }] },
      dns: { servers: [{ unexpectedIPs: closed }] },
      outbounds: [{ tag: "direct", settings: { domainStrategy: "ForceIPv4v6" } }, { tag: "block" }, { tag: "names" }],
    });
    expect(ownAddresses()).toContain("127.0.0.1/32");
  });

  test("closes nothing when private destinations are allowed", () => {
    const open = xrayConfig({ ...options, allowPrivate: true, udp: "open" });
    expect(open.routing.rules).toEqual([]);
    expect(open).not.toHaveProperty("dns");
  });
});

describe("its file", () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "veil-xray-config-"));
    file = join(directory, "config.json");
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test("is for its owner alone", async () => {
    await ensureXrayConfig(file, options);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(xrayConfig(options));
  });

  test("is left alone while it fits", async () => {
    await ensureXrayConfig(file, options);
    await utimes(file, 1, 1);
    await ensureXrayConfig(file, options);
    expect((await stat(file)).mtimeMs).toBe(1_000);
  });

  test("keeps its users when it changes otherwise", async () => {
    const users = [{ id: "0d2a7a31-5a83-4b0e-9f5e-3a1c5a1f2b3c", email: "1@veil", level: 0 }];
    await writeFile(file, JSON.stringify(xrayConfig(options, users)));
    await ensureXrayConfig(file, { ...options, apiPort: 10_086 });
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(xrayConfig({ ...options, apiPort: 10_086 }, users));
  });

  test("is written anew when it is damaged: the key does not live in it alone", async () => {
    await writeFile(file, '{"inbounds": [');
    await ensureXrayConfig(file, options);
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(xrayConfig(options));
  });
});
