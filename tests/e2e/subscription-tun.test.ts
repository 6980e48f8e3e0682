import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect } from "vitest";
import {
  serveSubscriptions,
  type SubscriptionServer,
} from "../../services/api/test/subscriptions/serve-subscriptions.ts";
import { type ByteServer, startByteServer } from "../support/byte-server.ts";
import { eachProgram } from "../support/each-program.ts";
import { type MeteredXray, startMeteredXray } from "../support/metered-xray.ts";
import { makeNetworkNamespace } from "../support/network-namespace.ts";
import { findRealPrograms } from "../support/real-programs.ts";
import { runSingBoxInside } from "../support/subscription-clients.ts";

const TOKEN = "v7Kq2mZx9LbR4tYcW8sJhN3f";
const UUID = "66ad4540-b58c-4ad2-9926-ea63445a9b57";
const FLOW = "xtls-rprx-vision";
const BODY_BYTES = 100_000;
const PATIENCE_MS = 90_000;
/** A program that knows nothing of a proxy. */
const FETCH = `fetch(process.argv[1], { signal: AbortSignal.timeout(5000) }).then((answer) => answer.arrayBuffer())
  .then(({ byteLength }) => console.log(byteLength), () => console.log(0))`;

const namespace = await makeNetworkNamespace();
const programs = (await findRealPrograms()).map((program) => ({
  ...program,
  leftOut: program.leftOut ?? (namespace === null ? "no network namespace with a TUN device" : null),
}));
let bytes: ByteServer;
let xray: MeteredXray;
let server: SubscriptionServer;

beforeAll(async () => {
  if (namespace === null) return;
  bytes = await startByteServer(namespace.beyond);
  xray = await startMeteredXray(programs[0]?.path ?? "", [{ tag: "one", address: namespace.gateway }], {
    [UUID]: FLOW,
  });
  server = await serveSubscriptions();
});

afterAll(async () => {
  await server?.stop();
  await xray?.stop();
  await bytes?.stop();
  await namespace?.remove();
});

eachProgram(programs, "sing-box", "takes all of a machine's traffic with the config as it is", async ({ path }) => {
  if (namespace === null) throw new Error("there is no namespace");
  const [place] = xray.places;
  if (place === undefined) throw new Error("there is no place");
  const { sni, publicKey, shortId } = xray;
  const url = `${server.url}/sub/${TOKEN}`;
  const figures = { upload: 0, download: 0, trafficLimit: null, expiresAt: null, holdFor: null, usage: [] };
  server.views.set(TOKEN, {
    key: { name: "Анна", status: "active", ...figures, url },
    connections: [
      {
        ...{ protocol: "vless", remark: "Анна", address: place.address, port: place.port, uuid: UUID, flow: FLOW },
        security: { kind: "reality", sni, publicKey, shortId, fingerprint: "chrome", spiderX: "/" },
        transport: { kind: "tcp" },
      },
    ],
    refusal: null,
    keyId: 1,
  });
  const config = await (await fetch(`${url}/sing-box`)).text();
  expect(config).toContain('"type": "tun"');
  const fetchInside = async () => {
    const { binary, args } = namespace.inside(process.execPath, ["-e", FETCH, bytes.downloadUrl(BODY_BYTES)]);
    return Number((await promisify(execFile)(binary, args)).stdout);
  };
  const client = await runSingBoxInside(namespace, path, config);
  try {
    await xray.takeDownlink();
    await expect
      .poll(async () => [await fetchInside(), ((await xray.takeDownlink())["one"] ?? 0) >= BODY_BYTES], {
        timeout: PATIENCE_MS,
      })
      .toEqual([BODY_BYTES, true]);
  } finally {
    await client.stop();
  }
});
