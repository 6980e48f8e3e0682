import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { freePort } from "@veil/engines";

const LOOPBACK = "127.0.0.1";
/** Version 0, then the user's id; no addons, TCP, the port, an IPv4 address. */
const HEADER_BEHIND_ID = [0, 1];
const IPV4_LOOPBACK = [1, 127, 0, 0, 1];

/** The greeting of the server behind, sent at once and again when it has got something. */
const WORD = "hello";

/** The counters of an Xray: everything, no users, neither users nor inbounds, or nothing as it has no counters at all. */
export type Counting = "all" | "no users" | "nothing" | "no counters";

/** The inbounds' tags. */
export const COUNTING_TAGS = ["vless-in", "other.in"] as const;
type Tag = (typeof COUNTING_TAGS)[number];
type Ports = Readonly<Record<"api" | "sink" | Tag, number>>;

/**
 * A real Xray whose inbounds `vless-in` and `other.in` take plain VLESS, and a server behind it that says a word twice and swallows
 * what it gets.
 */
export class CountingXray {
  readonly address: string;
  readonly #binary: string;
  readonly #directory: string;
  readonly #ports: Ports;
  readonly #sink: Server;
  #child: ChildProcess | undefined;
  #swallowed = 0;
  #onSwallowed = (): void => undefined;

  private constructor(binary: string, directory: string, ports: Ports) {
    this.#binary = binary;
    this.#directory = directory;
    this.#ports = ports;
    this.address = `${LOOPBACK}:${ports.api}`;
    this.#sink = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.write(WORD);
      socket.once("data", () => socket.write(WORD));
      socket.on("data", (chunk) => {
        this.#swallowed += chunk.length;
        this.#onSwallowed();
      });
    });
  }

  static async start(binary: string, counting: Counting = "all"): Promise<CountingXray> {
    const directory = await mkdtemp(join(tmpdir(), "veil-counting-xray-"));
    const [api, sink] = [await freePort(), await freePort()];
    const ports = { api, sink, "vless-in": await freePort(), "other.in": await freePort() };
    await writeFile(join(directory, "config.json"), JSON.stringify(configOf(ports, counting)));
    const xray = new CountingXray(binary, directory, ports);
    xray.#sink.listen(ports.sink, LOOPBACK);
    await once(xray.#sink, "listening");
    await xray.#run();
    return xray;
  }

  /** Ends the process as a crash would, and starts the next one. */
  async restart(): Promise<void> {
    await this.#kill();
    await this.#run();
  }

  /** Sends bytes through the inbound as a user, and resolves when they and the server's words have come through. */
  async upload(uuid: string, bytes: number, tag: Tag = "vless-in"): Promise<void> {
    this.#swallowed = 0;
    const arrived = new Promise<void>((resolve) => {
      this.#onSwallowed = () => {
        if (this.#swallowed >= bytes) resolve();
      };
    });
    const { sink, [tag]: port } = this.#ports;
    const socket = connect(port, LOOPBACK);
    socket.write(Buffer.from([0, ...Buffer.from(uuid.replaceAll("-", ""), "hex"), ...HEADER_BEHIND_ID]));
    socket.write(Buffer.from([sink >> 8, sink & 0xff, ...IPV4_LOOPBACK]));
    // Xray's inbound counter leaves out what goes together with the header of the answer: the first word.
    await once(socket, "data");
    socket.write(Buffer.alloc(bytes));
    await Promise.all([arrived, once(socket, "data")]);
    socket.destroy();
  }

  /** Comes as a user whom the inbound does not know, and resolves when it has closed the connection. */
  async intrude(uuid: string): Promise<void> {
    const socket = connect(this.#ports["vless-in"], LOOPBACK);
    socket.on("error", () => undefined).resume();
    socket.end(
      Buffer.from([0, ...Buffer.from(uuid.replaceAll("-", ""), "hex"), ...HEADER_BEHIND_ID, ...Buffer.alloc(64)]),
    );
    await once(socket, "close");
  }

  /** Resets every counter, as somebody else's tool would. */
  async resetCounters(): Promise<void> {
    await promisify(execFile)(this.#binary, ["api", "statsquery", `--server=${this.address}`, "-reset"]);
  }

  async stop(): Promise<void> {
    await this.#kill();
    this.#sink.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    const config = join(this.#directory, "config.json");
    const child = spawn(this.#binary, ["run", "-c", config], { stdio: ["ignore", "pipe", "ignore"] });
    this.#child = child;
    for await (const line of createInterface({ input: child.stdout })) {
      if (!/core: Xray .* started/.test(line)) continue;
      child.stdout.resume();
      return;
    }
    throw new Error("Xray did not start");
  }

  async #kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
}

function configOf(ports: Ports, counting: Counting) {
  const users = { levels: { "0": { statsUserUplink: true, statsUserDownlink: true } } };
  const inbounds = { system: { statsInboundUplink: true, statsInboundDownlink: true } };
  return {
    log: { loglevel: "warning", access: "none" },
    api: {
      tag: "api",
      listen: `${LOOPBACK}:${ports.api}`,
      services: ["HandlerService", "StatsService", "RoutingService"],
    },
    ...(counting !== "no counters" && { stats: {} }),
    policy: {
      ...(counting !== "no users" && counting !== "nothing" && users),
      ...(counting !== "nothing" && inbounds),
    },
    routing: { rules: [] },
    inbounds: COUNTING_TAGS.map((tag) => ({
      ...{ tag, listen: LOOPBACK, port: ports[tag], protocol: "vless" },
      settings: { clients: [], decryption: "none" },
    })),
    outbounds: [{ tag: "direct", protocol: "freedom" }],
  };
}
