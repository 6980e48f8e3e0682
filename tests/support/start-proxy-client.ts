import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, isListening, startProcess, untilReady } from "@veil/engines";

/** A real VPN client that runs with a local proxy as its entrance, of HTTP and of SOCKS. */
export interface ProxyClient {
  readonly proxyPort: number;
  /** Its output so far. */
  output(): string;
  stop(): Promise<void>;
}

/** The way to start a client: its program, and the files of a directory of its own. */
export interface ProxyClientPlan {
  readonly binary: string;
  readonly files: Readonly<Record<string, string>>;
  arguments(directory: string): readonly string[];
}

/** How long a port that a config names is waited for, which a client of other tests beside these may have. */
const FREE_WITHIN_MS = 60_000;
const LISTENS_WITHIN_MS = 90_000;
const LOOK_AGAIN_MS = 100;

/** Thrown when a client ends instead of running, with what it printed. */
export class ClientRefusal extends Error {
  override readonly name = "ClientRefusal";
}

/**
 * Starts a client and waits until its proxy takes connections; it ends with this process at the latest.
 *
 * @param fixedPort the port that the client's config names already; a free one when absent
 * @throws {ClientRefusal} when it does not run with what it was given
 * @throws {Error} when another program has its port, which would be taken for it
 */
export async function startProxyClient(
  planOf: (proxyPort: number) => ProxyClientPlan,
  fixedPort?: number,
): Promise<ProxyClient> {
  if (fixedPort !== undefined) await untilFree(fixedPort);
  const directory = await mkdtemp(join(tmpdir(), "veil-client-"));
  const proxyPort = fixedPort ?? (await freePort());
  const { binary, files, arguments: argumentsOf } = planOf(proxyPort);
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, { mode: 0o600 });
  const printed: string[] = [];
  const output = () => printed.join("\n");
  const client = await startProcess({
    binary,
    args: argumentsOf(directory),
    cwd: directory,
    env: process.env,
    onLine: (line) => printed.push(line),
  });
  const stop = async () => {
    await client.stop(0);
    await rm(directory, { recursive: true, force: true });
  };
  const outcome = await untilReady(client, () => isListening(proxyPort), LISTENS_WITHIN_MS);
  if (outcome === "ready") return { proxyPort, output, stop };
  await stop();
  if (outcome === "late") throw new Error(`the client does not listen on port ${proxyPort}:\n${output()}`);
  throw new ClientRefusal(output());
}

async function untilFree(port: number): Promise<void> {
  const deadline = performance.now() + FREE_WITHIN_MS;
  while (await isListening(port)) {
    if (performance.now() > deadline) throw new Error(`another program has port ${port}`);
    await sleep(LOOK_AGAIN_MS);
  }
}
