import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { freePort, tcpExchange } from "./tcp.ts";
import { type EngineProcess, startEngineProcess } from "./engine-process.ts";

/** A program that speaks MongoDB's protocol: mongod itself, or our own main around FerretDB. */
export interface MongodbEngine {
  kind: "mongod" | "embedded";
  path: string;
}

export interface RunningMongodb extends EngineProcess {
  /** "mongodb://127.0.0.1:PORT/DATABASE" */
  uri: string;
  port: number;
}

export interface MongodbOptions {
  engine: MongodbEngine;
  /** Made when missing. The two kinds keep their files in folders of their own below it. */
  dataDir: string;
  /** A free one when absent. */
  port?: number;
  /** Database named in the URI; "veil" when absent. */
  database?: string;
  logFile?: string;
}

/**
 * Starts a MongoDB on loopback and waits until it answers `hello`.
 *
 * @throws {EngineStartError} when it does not.
 */
export async function startMongodb({ engine, dataDir, logFile, ...options }: MongodbOptions): Promise<RunningMongodb> {
  const files = resolve(dataDir, engine.kind);
  await mkdir(files, { recursive: true, mode: 0o700 });
  const port = options.port ?? (await freePort());
  const started = await startEngineProcess({
    title: "MongoDB",
    binary: engine.path,
    args: argumentsOf(engine.kind, files, port),
    logFile: logFile ?? join(dataDir, "mongodb.log"),
    ports: [port],
    isReady: () => tcpExchange(port, saysOk, HELLO),
  });
  return { ...started, port, uri: `mongodb://127.0.0.1:${port}/${options.database ?? "veil"}` };
}

function argumentsOf(kind: MongodbEngine["kind"], files: string, port: number): string[] {
  if (kind === "embedded") return ["-listen", `127.0.0.1:${port}`, "-dir", files];
  return ["--bind_ip", "127.0.0.1", "--port", String(port), "--dbpath", files, "--nounixsocket", "--quiet"];
}

/** The message {hello: 1, $db: "admin"}, by hand: a driver is too heavy a thing to load for one question. */
const HELLO = opMsg(
  Buffer.concat([
    Buffer.from("\x10hello\0"),
    int32(1),
    Buffer.from("\x02$db\0"),
    int32("admin\0".length),
    Buffer.from("admin\0"),
  ]),
);

/** Header (length, request id, response to, opcode), flags, a section of kind 0, the document. */
function opMsg(elements: Buffer): Buffer {
  const OP_MSG = 2013;
  const document = Buffer.concat([int32(4 + elements.length + 1), elements, Buffer.from([0])]);
  const body = Buffer.concat([int32(0), Buffer.from([0]), document]);
  return Buffer.concat([int32(16 + body.length), int32(1), int32(0), int32(OP_MSG), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Whether a whole message was received whose document holds the double `ok: 1`. */
function saysOk(received: Buffer): boolean {
  const isWhole = received.length >= 16 && received.length >= received.readInt32LE(0);
  return isWhole && received.includes(Buffer.from("\x01ok\0\0\0\0\0\0\0\xf0\x3f", "latin1"));
}
