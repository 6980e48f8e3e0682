import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import getPort from "get-port";

/** A real VPN client that runs with a local HTTP proxy as its entrance. */
export interface ProxyClient {
  readonly proxyPort: number;
  /** What it printed so far. */
  output(): string;
  stop(): Promise<void>;
}

/** What starts a client: its program, and the files of a directory of its own. */
export interface ProxyClientPlan {
  readonly binary: string;
  readonly files: Readonly<Record<string, string>>;
  arguments(directory: string): readonly string[];
}

/** Thrown when a client ends instead of running: what it said of its config. */
export class ClientRefusal extends Error {
  override readonly name = "ClientRefusal";
}

const lookAgainMs = 20;
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * Starts a client and waits until its proxy takes connections; it ends with this process at the latest.
 *
 * @throws ClientRefusal when it does not run with what it was given
 */
export async function startProxyClient(planOf: (proxyPort: number) => ProxyClientPlan): Promise<ProxyClient> {
  const directory = await mkdtemp(join(tmpdir(), "veil-client-"));
  const proxyPort = await getPort();
  const { binary, files, arguments: argumentsOf } = planOf(proxyPort);
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, { mode: 0o600 });
  const child = spawn(binary, argumentsOf(directory), { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  const collect = (chunk: Buffer) => {
    printed += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const closed = once(child, "close");
  running.add(child);
  const stop = async () => {
    child.kill("SIGKILL");
    await closed;
    running.delete(child);
    await rm(directory, { recursive: true, force: true });
  };
  if (!(await isListening(proxyPort, child))) {
    await stop();
    throw new ClientRefusal(printed);
  }
  return { proxyPort, output: () => printed, stop };
}

/** Waits for the port; false when the program ends first. */
async function isListening(port: number, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = connect({ host: "127.0.0.1", port });
    const open = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return true;
    await sleep(lookAgainMs);
  }
  return false;
}
