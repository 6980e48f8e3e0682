import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readShareLink, singBoxOutbound } from "./read-share-link.ts";
import { ClientRefusal, startProxyClient } from "./start-proxy-client.ts";
import { throughProxy, type VpnClient } from "./vpn-client.ts";

/**
 * sing-box as a client, with an outbound that says what the link says. It checks the config before it runs it, as
 * Hiddify does.
 *
 * @throws {ClientRefusal} when sing-box does not take what the link says
 */
export async function startSingBoxClient(binary: string, link: string): Promise<VpnClient> {
  const outbound = singBoxOutbound(readShareLink(link));
  await check(binary, configText(outbound, 1));
  return throughProxy(
    await startProxyClient((proxyPort) => ({
      binary,
      files: { "client.json": configText(outbound, proxyPort) },
      arguments: (directory) => ["run", "-c", join(directory, "client.json"), "-D", directory],
    })),
  );
}

function configText(outbound: object, proxyPort: number): string {
  return JSON.stringify({
    log: { level: "error" },
    inbounds: [{ type: "mixed", listen: "127.0.0.1", listen_port: proxyPort }],
    outbounds: [outbound],
    // From 1.14 on it looks up no server's name unless the config says how.
    dns: { servers: [{ tag: "local", type: "local" }] },
    route: { default_domain_resolver: "local" },
  });
}

async function check(binary: string, config: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "veil-check-"));
  const file = join(directory, "client.json");
  try {
    await writeFile(file, config, { mode: 0o600 });
    await promisify(execFile)(binary, ["check", "-c", file]);
  } catch (error) {
    throw new ClientRefusal(error instanceof Error ? error.message : String(error));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
