import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, isIPv6, type Server } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  findXray,
  freePort,
  runCommand,
  type RunningXray,
  startTlsDecoy,
  startXray,
  type TlsDecoy,
} from "@veil/engines";
import { askByUdp, startUdpEcho, type UdpEcho } from "@veil/test-support";
import { ownAddresses, PRIVATE_DESTINATIONS } from "./private-destinations.ts";
import { makeRealityKeys } from "./reality-keys.ts";
import { xrayConfig } from "./xray-config.ts";

const GREETING = "hello from the host";

let binary: string;
let directory: string;
let decoy: TlsDecoy;
let service: Server;
let servicePort: number;

beforeAll(async () => {
  binary = await findXray({ progress: console.log });
  directory = await mkdtemp(join(tmpdir(), "veil-xray-config-"));
  decoy = await startTlsDecoy({ serverName: "microsoft.com" });
  service = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(GREETING);
  });
  service.listen(0, "::");
  await once(service, "listening");
  servicePort = portOf(service);
});

afterAll(async () => {
  service.close();
  await decoy.close();
  await rm(directory, { recursive: true, force: true });
});

describe("a client of the configuration that Xray is given", () => {
  let tunnel: Tunnel;
  beforeAll(async () => {
    tunnel = await openTunnel({});
  });
  afterAll(() => tunnel.close());

  const machine = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((one) => !one.internal && !one.address.startsWith("fe80"))
    .map((one) => one.address);

  test.concurrent.each([
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "localhost",
    "LOCALHOST.",
    ...machine,
  ])("cannot reach a service of the host at %s", async (host) => {
    expect(await tunnel.fetchGreeting(host, servicePort)).toBe("");
  });

  test("cannot reach the gRPC API", async () => {
    expect(await tunnel.fetchGreeting("127.0.0.1", tunnel.apiPort)).toBe("");
  });
});

describe("a name whose server answers with a public address and 127.0.0.1 in turn", () => {
  test("does not lead to a service of the host", async () => {
    const nameServer = await startAlternatingNameServer(["203.0.114.7", "127.0.0.1"]);
    const tunnel = await openTunnel({
      dns: {
        disableCache: true,
        servers: [{ address: `tcp+local://127.0.0.1:${nameServer.port}`, unexpectedIPs: PRIVATE_DESTINATIONS }],
      },
    });
    try {
      const attempts = Array.from({ length: 6 }, (_, index) =>
        tunnel.fetchGreeting(`${index}.example.com`, servicePort),
      );
      expect(await Promise.all(attempts)).toEqual(Array(6).fill(""));
      expect(nameServer.answers).toContain("127.0.0.1");
    } finally {
      await tunnel.close();
      nameServer.close();
    }
  });
});

describe("a Reality client of any version", () => {
  test("is let in, whatever the oldest one is that Xray would choose by itself", async () => {
    const configFile = join(directory, "versions.json");
    const options = { apiPort: 1, inboundPort: 2, realityTarget: "127.0.0.1:3", serverNames: ["microsoft.com"] };
    const { privateKey } = makeRealityKeys();
    await writeFile(configFile, JSON.stringify(xrayConfig({ ...options, privateKey, shortIds: ["aabbccdd"] })));
    const { output } = await runCommand(binary, ["convert", "pb", "-debug", configFile]);
    expect(output.replaceAll(/\s/g, "")).toContain('"minClientVer":[0,0,0]');
  });
});

describe("with allowPrivate", () => {
  test("a client reaches a service of the host, which shows that the tunnel itself works", async () => {
    const tunnel = await openTunnel({ allowPrivate: true });
    try {
      expect(await tunnel.fetchGreeting("127.0.0.1", servicePort)).toBe(GREETING);
      expect(await tunnel.fetchGreeting("localhost", servicePort)).toBe(GREETING);
    } finally {
      await tunnel.close();
    }
  });
});

describe("UDP", () => {
  let echo: UdpEcho;
  beforeAll(async () => {
    echo = await startUdpEcho();
  });
  afterAll(() => echo.close());

  async function inTunnel<T>(options: TunnelOptions, task: (tunnel: Tunnel) => Promise<T>): Promise<T> {
    const tunnel = await openTunnel(options);
    try {
      return await task(tunnel);
    } finally {
      await tunnel.close();
    }
  }

  const PING = Buffer.from("ping");

  test.each([
    ["as it is made by default", {}],
    ["that would let them, but for UDP", { allowPrivate: true }],
    ["with UDP open", { udp: "open" as const }],
  ])("of a client does not reach a service of the host through a configuration %s", async (_, options) => {
    await inTunnel(options, async (tunnel) => {
      const before = echo.heard();
      expect(await tunnel.askByUdp("127.0.0.1", echo.port, PING)).toBeNull();
      expect(echo.heard()).toBe(before);
      const byTcp = await tunnel.fetchGreeting("127.0.0.1", servicePort);
      expect(byTcp).toBe("allowPrivate" in options ? GREETING : "");
    });
  });

  test("reaches a service that may be reached when it is open", async () => {
    await inTunnel({ allowPrivate: true, udp: "open" }, async (tunnel) => {
      // As large as the first datagram of QUIC.
      const datagram = Buffer.alloc(1_200, "q");
      expect(await tunnel.askByUdp("127.0.0.1", echo.port, datagram)).toEqual(datagram);
    });
  });

  test("look-ups of names are answered by Xray itself where it is blocked, whatever name server a phone asks", async () => {
    const dns = { hosts: { "known.example": "203.0.114.7" }, servers: ["localhost"] };
    await inTunnel({ dns }, async (tunnel) => {
      const answer = await tunnel.askByUdp("203.0.114.53", 53, questionFor("known.example"));
      expect(answer?.subarray(-4)).toEqual(Buffer.from([203, 0, 114, 7]));
    });
  });
});

interface TunnelOptions {
  allowPrivate?: boolean;
  udp?: "block" | "open";
  dns?: object;
}

interface Tunnel {
  apiPort: number;
  fetchGreeting(host: string, port: number): Promise<string>;
  /** Sends a datagram; resolves to the answer that comes by UDP within a second, null for nothing. */
  askByUdp(host: string, port: number, datagram: Buffer): Promise<Buffer | null>;
  close(): Promise<void>;
}

/** A server with the configuration under test, and a real client that offers SOCKS. */
async function openTunnel({ allowPrivate = false, udp = "block", ...overrides }: TunnelOptions): Promise<Tunnel> {
  const [apiPort, inboundPort, socksPort] = [await freePort(), await freePort(), await freePort()];
  const keys = makeRealityKeys();
  const user = { id: randomUUID(), email: "1@veil" };
  const serverConfig = xrayConfig(
    {
      apiPort,
      inboundPort,
      inboundListen: "127.0.0.1",
      realityTarget: `127.0.0.1:${decoy.port}`,
      serverNames: ["microsoft.com"],
      privateKey: keys.privateKey,
      shortIds: ["aabbccdd"],
      allowPrivate,
      blocked: ownAddresses(),
      udp,
    },
    [user],
  );
  const server = await start("server", apiPort, { ...serverConfig, ...overrides });
  const client = await start("client", socksPort, clientConfig(socksPort, inboundPort, user.id, keys.publicKey));
  return {
    apiPort,
    fetchGreeting: (host, port) => greetingThrough(socksPort, host, port),
    askByUdp: (host, port, datagram) => askByUdp(socksPort, { host, port }, datagram),
    close: async () => {
      await client.stop();
      await server.stop();
    },
  };
}

async function start(name: string, readyPort: number, config: unknown): Promise<RunningXray> {
  const configFile = join(directory, `${name}-${readyPort}.json`);
  await writeFile(configFile, JSON.stringify(config));
  return startXray({ binary, configFile, apiPort: readyPort });
}

function clientConfig(socksPort: number, inboundPort: number, id: string, publicKey: string) {
  return {
    log: { loglevel: "warning", access: "none" },
    inbounds: [{ listen: "127.0.0.1", port: socksPort, protocol: "socks", settings: { udp: true } }],
    outbounds: [
      {
        protocol: "vless",
        settings: { vnext: [{ address: "127.0.0.1", port: inboundPort, users: [{ id, encryption: "none" }] }] },
        streamSettings: {
          network: "raw",
          security: "reality",
          realitySettings: { serverName: "microsoft.com", fingerprint: "chrome", publicKey, shortId: "aabbccdd" },
        },
      },
    ],
  };
}

/** The greeting of a service that speaks first, through SOCKS 5 (RFC 1928); "" when the connection is closed instead. */
async function greetingThrough(socksPort: number, host: string, port: number): Promise<string> {
  const socket = connect(socksPort, "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => socket.destroy());
  socket.write(Buffer.from([5, 1, 0]));
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), socksAddress(host), Buffer.from([port >> 8, port & 0xff])]));
  await closed;
  const METHOD_ANSWER_AND_REPLY_BYTES = 2 + 10;
  return Buffer.concat(received).subarray(METHOD_ANSWER_AND_REPLY_BYTES).toString();
}

/** A question for the IPv4 address of a name (RFC 1035, section 4.1). */
function questionFor(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([
    Buffer.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels,
    Buffer.from([0, 0, 1, 0, 1]),
  ]);
}

function socksAddress(host: string): Buffer {
  if (/^[\d.]+$/.test(host)) return Buffer.from([1, ...host.split(".").map(Number)]);
  if (isIPv6(host)) return Buffer.concat([Buffer.from([4]), ipv6Bytes(host)]);
  return Buffer.concat([Buffer.from([3, host.length]), Buffer.from(host)]);
}

function ipv6Bytes(host: string): Buffer {
  const mapped = /^::ffff:(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host);
  if (mapped) return Buffer.from([...zeros(10), 0xff, 0xff, ...mapped.slice(1).map(Number)]);
  const [head = "", tail = ""] = host.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const [left, right] = [groups(head), groups(tail)];
  const all = host.includes("::") ? [...left, ...zeros(8 - left.length - right.length), ...right] : left;
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}

interface NameServer {
  port: number;
  /** Addresses answered so far. */
  answers: string[];
  close(): void;
}

/** Answers A questions over TCP (RFC 1035, section 4.2.2) with each address in turn and a time to live of zero. */
async function startAlternatingNameServer(addresses: readonly string[]): Promise<NameServer> {
  const answers: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (framed: Buffer) => {
      const query = framed.subarray(2);
      const question = query.subarray(12, query.indexOf(0, 12) + 5);
      const isA = question.readUInt16BE(question.length - 4) === 1;
      const address = isA ? addresses[answers.length % addresses.length] : undefined;
      if (address) answers.push(address);
      const header = Buffer.concat([
        query.subarray(0, 2),
        Buffer.from([0x84, 0, 0, 1, 0, address ? 1 : 0, 0, 0, 0, 0]),
      ]);
      const pointerTypeClassTtlLength = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
      const answer = address
        ? Buffer.concat([pointerTypeClassTtlLength, Buffer.from(address.split(".").map(Number))])
        : Buffer.alloc(0);
      const body = Buffer.concat([header, question, answer]);
      socket.write(Buffer.concat([Buffer.from([body.length >> 8, body.length & 0xff]), body]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: portOf(server), answers, close: () => server.close() };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("the server has no port");
  return address.port;
}
