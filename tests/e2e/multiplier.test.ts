import { setTimeout as sleep } from "node:timers/promises";
import { connectXrayNode, type XrayNode } from "@veil/xray-grpc";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { apiCalls } from "../support/api-calls.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";
import { startVpnClient } from "../support/vpn-client.ts";

const MEGABYTE = 1_000_000;
/** All collectors know of a changed node within two seconds; a busy machine gets two more. */
const KNOWN_WITHIN_MS = 4_000;
/** Moments of presence are whole seconds. */
const LATER_MS = 1_100;

const keySchema = z.looseObject({ key_id: z.number(), online_at: z.number().nullable(), traffic_lifetime: z.number() });
const linkSchema = z.looseObject({ vless_link: z.string() });
const trafficSchema = z.looseObject({ upload: z.number(), download: z.number() });
const usageSchema = z.looseObject({ usage: z.array(z.looseObject({ upload: z.number(), download: z.number() })) });

type Figures = readonly [upload: number, download: number];

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let bytes: ByteServer;
/** The Xray of the stack, to be asked what it counted itself. */
let xray: XrayNode;
const { done } = apiCalls(() => stack);

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  bytes = await startByteServer();
  stack = await startStack(dataDir.path, { TRAFFIC_SYNC_INTERVAL_SECONDS: "2" });
  const running = (await stack.readRunFile()).xray;
  xray = connectXrayNode({ name: "main", address: running.api, inboundTag: running.inbound_tag });
});

afterAll(async () => {
  xray.close();
  await stack.stop();
  await bytes.stop();
  await dataDir.remove();
});

async function move(keyId: number, megabytes: number): Promise<void> {
  const { vless_link: link } = linkSchema.parse(await done("GET", `/keys/${keyId}/link`));
  const client = await startVpnClient((await stack.readRunFile()).xray.binary, link);
  expect(await client.download(bytes.downloadUrl(megabytes * MEGABYTE))).toBe(megabytes * MEGABYTE);
  await client.stop();
}

/** What Xray itself has counted, by gRPC. */
async function counted(name: string): Promise<Figures> {
  const [up, down] = await Promise.all(
    ["uplink", "downlink"].map((link) => xray.readCounter(`${name}>>>traffic>>>${link}`)),
  );
  return [up ?? 0, down ?? 0];
}

async function multiply(by: number): Promise<void> {
  expect(await done("PATCH", "/nodes/main", { multiplier: by })).toMatchObject({ multiplier: by });
  await sleep(KNOWN_WITHIN_MS);
}

/** What each part that Xray counted comes to. */
function worth(parts: readonly (readonly [counted: Figures, by: number])[]): Figures {
  let [up, down] = [0, 0];
  let before: Figures = [0, 0];
  for (const [now, by] of parts) {
    up += Math.floor((now[0] - before[0]) * by);
    down += Math.floor((now[1] - before[1]) * by);
    before = now;
  }
  return [up, down];
}

test("bytes count as the node's multiplier says while they move, and what was counted stays", async () => {
  const { key_id: keyId } = keySchema.parse(await done("POST", "/keys", {}));
  const shown = async (): Promise<Figures> => {
    const { upload, download } = trafficSchema.parse(await done("GET", `/keys/${keyId}/traffic`));
    return [upload, download];
  };
  const user = `user>>>${keyId}@veil`;
  const parts: (readonly [Figures, number])[] = [];
  for (const by of [1, 2, 0.5, 0, 1.1]) {
    const before = keySchema.parse(await done("GET", `/keys/${keyId}`));
    if (by !== 1) await multiply(by);
    expect(await shown()).toEqual(worth(parts));
    await sleep(LATER_MS);
    await move(keyId, 3);
    await done("POST", "/traffic/sync");
    parts.push([await counted(user), by]);
    expect(await shown()).toEqual(worth(parts));
    const after = keySchema.parse(await done("GET", `/keys/${keyId}`));
    expect(after.online_at ?? 0).toBeGreaterThan(before.online_at ?? 0);
    expect(after.traffic_lifetime).toBe(worth(parts)[0] + worth(parts)[1]);
  }

  const { usage } = usageSchema.parse(await done("GET", `/keys/${keyId}/usage?step=hour`));
  const sum = usage.reduce(([up, down], one): Figures => [up + one.upload, down + one.download], [0, 0] as Figures);
  expect(sum).toEqual(worth(parts));

  const { metrics_url: url } = (await stack.readRunFile())["stats-collector"];
  await vi.waitFor(async () => {
    const inbound = await counted("inbound>>>vless-in");
    const metrics = await (await fetch(url)).text();
    const carried = ["upload", "download"].map(
      (direction) =>
        new RegExp(`^veil_traffic_bytes_total\\{[^}]*direction="${direction}"[^}]*\\} (\\S+)$`, "m").exec(metrics)?.[1],
    );
    expect(carried).toEqual(inbound.map(String));
  });
});

test("a limit is one of bytes as they count", async () => {
  await multiply(2);
  const limit = 5 * MEGABYTE;
  const { key_id: keyId } = keySchema.parse(await done("POST", "/keys", { traffic_limit: limit }));
  await move(keyId, 3);
  await done("POST", "/traffic/sync");
  const status = async () => z.looseObject({ status: z.string() }).parse(await done("GET", `/keys/${keyId}`)).status;
  await vi.waitFor(async () => expect(await status()).toBe("limited"));
  const [up, down] = await counted(`user>>>${keyId}@veil`);
  expect(up + down).toBeLessThan(limit);
});
