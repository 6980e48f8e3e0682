import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { freePort } from "@veil/engines";
import { makeRealityKeys } from "@veil/xray-config";

/** Users that the config file itself gives to the inbound `vless-in`. */
export const CONFIG_USERS = {
  withEmail: { id: "3c4a2a55-6a3f-4bb5-9c9d-0d6c1d8d8a11", email: "Config@User", level: 1 },
  nameless: { id: "b5f0c1de-2f0b-4a63-8f60-5b1f6e3c9a22" },
} as const;

const SERVICES = ["HandlerService", "StatsService", "RoutingService"];

/** The keys of the servers of `shadowsocks-in`, which has the client `first`, and of `lonely-in`, which has none. */
export const SHADOWSOCKS_KEYS = {
  server: Buffer.alloc(16, 1).toString("base64"),
  first: Buffer.alloc(16, 2).toString("base64"),
} as const;

/** Those of Reality in `vless-in` and `encrypted-in`, and of VLESS encryption in the latter. */
export const REALITY_KEYS = makeRealityKeys();
export const ENCRYPTION_KEYS = makeRealityKeys();

const shadowsocks = { method: "2022-blake3-aes-128-gcm", password: SHADOWSOCKS_KEYS.server };
const xhttp = (settings: object) => ({ network: "xhttp", xhttpSettings: { path: "/a", ...settings } });
const disguise = (type: string) => ({ network: "raw", rawSettings: { header: { type } } });

/** Inbounds that ask clients for something special, by their tags: the settings of their streams, or those of Shadowsocks. */
export const ASKING = {
  "host-in": xhttp({ host: "cdn.test" }),
  "stream-in": xhttp({ mode: "stream-up", extra: { xPaddingBytes: "1-2000" } }),
  "packet-in": xhttp({ mode: "packet-up" }),
  "padded-in": xhttp({ extra: { xPaddingBytes: "500-600" } }),
  "hidden-in": xhttp({ extra: { xPaddingObfsMode: true, xPaddingKey: "p", xPaddingPlacement: "queryInHeader" } }),
  "plain-header-in": disguise("none"),
  "http-header-in": disguise("http"),
  "udp-in": { ...shadowsocks, network: "udp", clients: [{ password: SHADOWSOCKS_KEYS.first }] },
} as const;

/**
 * A real Xray with these inbounds: `vless-in` (Reality), `encrypted-in` (VLESS encryption over XHTTP and Reality), `plain-in`
 * (VLESS without TLS), `trojan-in`, `vmess-in`, two of Shadowsocks 2022, and {@link ASKING}.
 */
export class RealXray {
  /** `host:port` of the gRPC API. */
  readonly address: string;
  /** The port of the inbound `plain-in`. */
  readonly plainPort: number;
  /** The port of the inbound `vless-in`. */
  readonly realityPort: number;
  readonly #binary: string;
  readonly #directory: string;
  #child: ChildProcessByStdio<null, Readable, null> | null = null;

  private constructor(binary: string, directory: string, ports: Ports) {
    this.#binary = binary;
    this.#directory = directory;
    this.address = `127.0.0.1:${ports.api}`;
    this.plainPort = ports.plain;
    this.realityPort = ports.reality;
  }

  /**
   * @param services what its config names; `NodeConnection` needs the first, the rest of the lib all of them.
   * @param countsOnline whether its policy has `statsUserOnline`.
   */
  static async create(binary: string, services = SERVICES, countsOnline = true): Promise<RealXray> {
    const directory = await mkdtemp(join(tmpdir(), "veil-xray-gateway-"));
    const ports = {
      api: await freePort(),
      plain: await freePort(),
      reality: await freePort(),
      encrypted: await freePort(),
      trojan: await freePort(),
      vmess: await freePort(),
      shadowsocks: await freePort(),
      lonely: await freePort(),
      asking: await Promise.all(Object.keys(ASKING).map(() => freePort())),
    };
    await writeFile(join(directory, "config.json"), JSON.stringify(configOf(ports, services, countsOnline)));
    return new RealXray(binary, directory, ports);
  }

  /** Starts a process and resolves when its API listens. */
  async start(): Promise<void> {
    const child = spawn(this.#binary, ["run", "-c", join(this.#directory, "config.json")], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    const output: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      output.push(line);
      if (/core: Xray .* started/.test(line)) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`Xray did not start:\n${output.join("\n")}`);
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Stops it in its tracks and resolves when all its threads stand: it answers nothing and drops nothing. */
  async pause(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) throw new Error("Xray is not running");
    child.kill("SIGSTOP");
    while (!(await areThreadsStopped(child.pid))) await setImmediate();
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Ends the process as a crash would and resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isRunning) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** Ends the process and removes what it had on disk. */
  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** From Linux's /proc: the state of a thread stands behind its name, which is in parentheses. */
async function areThreadsStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, "utf8")));
  return stats.every((stat) => stat.slice(stat.lastIndexOf(")")).startsWith(") T"));
}

interface Ports {
  readonly api: number;
  readonly plain: number;
  readonly reality: number;
  readonly encrypted: number;
  readonly trojan: number;
  readonly vmess: number;
  readonly shadowsocks: number;
  readonly lonely: number;
  readonly asking: readonly number[];
}

function configOf(ports: Ports, services: readonly string[], countsOnline: boolean) {
  const listen = "127.0.0.1";
  const realitySettings = {
    target: "127.0.0.1:1",
    serverNames: ["decoy.test"],
    privateKey: REALITY_KEYS.privateKey,
    shortIds: ["0123456789abcdef"],
    minClientVer: "1.8.1",
  };
  return {
    log: { loglevel: "warning", access: "none" },
    api: {
      tag: "api",
      listen: `${listen}:${ports.api}`,
      services,
    },
    stats: {},
    policy: { levels: { "0": { statsUserUplink: true, statsUserDownlink: true, statsUserOnline: countsOnline } } },
    routing: { rules: [] },
    inbounds: [
      {
        tag: "vless-in",
        listen,
        port: ports.reality,
        protocol: "vless",
        settings: { clients: Object.values(CONFIG_USERS), decryption: "none" },
        streamSettings: { network: "raw", security: "reality", realitySettings },
      },
      {
        tag: "encrypted-in",
        listen,
        port: ports.encrypted,
        protocol: "vless",
        settings: {
          clients: [],
          decryption: `mlkem768x25519plus.xorpub.600s.100-111-1111.${ENCRYPTION_KEYS.privateKey}`,
        },
        streamSettings: { network: "xhttp", xhttpSettings: { path: "/a" }, security: "reality", realitySettings },
      },
      {
        tag: "plain-in",
        listen,
        port: ports.plain,
        protocol: "vless",
        settings: { clients: [], decryption: "none" },
      },
      {
        tag: "trojan-in",
        listen,
        port: ports.trojan,
        protocol: "trojan",
        settings: { clients: [{ password: "secret", email: "trojan@user" }] },
      },
      {
        tag: "vmess-in",
        listen,
        port: ports.vmess,
        protocol: "vmess",
        settings: { clients: [{ id: CONFIG_USERS.nameless.id, email: "vmess@user" }] },
      },
      {
        tag: "shadowsocks-in",
        listen,
        port: ports.shadowsocks,
        protocol: "shadowsocks",
        settings: { ...shadowsocks, clients: [{ password: SHADOWSOCKS_KEYS.first }] },
      },
      { tag: "lonely-in", listen, port: ports.lonely, protocol: "shadowsocks", settings: shadowsocks },
      ...Object.entries(ASKING).map(([tag, settings], index) => ({
        ...{ tag, listen, port: ports.asking[index] },
        ...("method" in settings
          ? { protocol: "shadowsocks", settings }
          : { protocol: "vless", settings: { clients: [], decryption: "none" }, streamSettings: settings }),
      })),
    ],
    outbounds: [
      { tag: "direct", protocol: "freedom" },
      { tag: "block", protocol: "blackhole" },
    ],
  };
}
