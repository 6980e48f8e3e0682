import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import getPort from "get-port";

/** A real Xray that runs as a client, with a local HTTP proxy as its entrance. */
export interface XrayClient {
  readonly proxyPort: number;
  stop(): Promise<void>;
}

/** Starts it and waits until its proxy takes connections; it ends with this process at the latest. */
export async function startXrayClient(
  xrayBinary: string,
  configOf: (proxyPort: number) => object,
): Promise<XrayClient> {
  const dir = await mkdtemp(join(tmpdir(), "veil-client-"));
  const proxyPort = await getPort();
  const configFile = join(dir, "client.json");
  await writeFile(configFile, JSON.stringify(configOf(proxyPort)), { mode: 0o600 });
  const child = spawn(xrayBinary, ["run", "-c", configFile], { stdio: "ignore" });
  const endWithUs = () => child.kill("SIGKILL");
  process.once("exit", endWithUs);
  await listening(proxyPort, child);
  return {
    proxyPort,
    stop: async () => {
      process.off("exit", endWithUs);
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect({ host: "127.0.0.1", port });
    const open = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
  }
  throw new Error(`the Xray client ended with code ${child.exitCode}`);
}
