import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startProcess } from "@veil/engines";
import { type MihomoController, mihomoController } from "./mihomo-controller.ts";
import type { NetworkNamespace } from "./network-namespace.ts";
import { startProxyClient } from "./start-proxy-client.ts";
import { throughProxy, type VpnClient } from "./vpn-client.ts";

/** Runs Xray with a config as it is. @param httpPort of the HTTP proxy that the config opens */
export async function runXrayConfig(binary: string, config: string, httpPort: number): Promise<VpnClient> {
  const plan = { binary, files: { "config.json": config }, arguments: () => ["run", "-c", "config.json"] };
  return throughProxy(await startProxyClient(() => plan, httpPort));
}

/** Runs sing-box with a config as it is. @param mixedPort of the proxy that the config opens */
export async function runSingBoxConfig(binary: string, config: string, mixedPort: number): Promise<VpnClient> {
  const plan = { binary, files: { "config.json": config }, arguments: () => ["run", "-c", "config.json"] };
  return throughProxy(await startProxyClient(() => plan, mixedPort));
}

/** Runs sing-box with a config as it is in a network of its own, which it may take over. */
export async function runSingBoxInside(
  namespace: Pick<NetworkNamespace, "inside">,
  binary: string,
  config: string,
): Promise<{ stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "veil-client-"));
  const file = join(directory, "config.json");
  await writeFile(file, config, { mode: 0o600 });
  const running = await startProcess({
    ...namespace.inside(binary, ["run", "-c", file]),
    cwd: directory,
    env: process.env,
  });
  return {
    stop: async () => {
      await running.stop(0);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Has sing-box check a config without running it. @returns what it says, nothing when all is well */
export async function checkSingBoxConfig(binary: string, config: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "veil-check-"));
  try {
    const file = join(directory, "config.json");
    await writeFile(file, config, { mode: 0o600 });
    const said = await promisify(execFile)(binary, ["check", "-c", file]).catch((error: Error) => ({
      stdout: "",
      stderr: error.message,
    }));
    return said.stdout + said.stderr;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** mihomo with a whole config. */
export interface MihomoOfConfig extends VpnClient {
  readonly controller: MihomoController;
}

/** Runs mihomo with a config as it is. @param mixedPort of the proxy that the config opens */
export async function runMihomoConfig(binary: string, config: string, mixedPort: number): Promise<MihomoOfConfig> {
  const controller = await mihomoController();
  const files = { "config.yaml": config };
  const plan = { binary, files, arguments: (directory: string) => ["-d", directory, ...controller.arguments] };
  return { ...throughProxy(await startProxyClient(() => plan, mixedPort)), controller };
}

/** mihomo with a group over a provider that it fetches from an address, as its users write it. */
export async function runMihomoProvider(binary: string, url: string): Promise<MihomoOfConfig> {
  const controller = await mihomoController();
  const client = await startProxyClient((port) => ({
    binary,
    files: {
      // JSON is YAML too.
      "config.yaml": JSON.stringify({
        "mixed-port": port,
        "log-level": "warning",
        ipv6: true,
        // Without `proxy` the list itself would be fetched through the group, which is empty before.
        "proxy-providers": { veil: { type: "http", url, interval: 3_600, path: "./veil.txt", proxy: "DIRECT" } },
        "proxy-groups": [{ name: "VPN", type: "select", use: ["veil"], "empty-fallback": "REJECT" }],
        rules: ["MATCH,VPN"],
      }),
    },
    arguments: (directory) => ["-d", directory, ...controller.arguments],
  }));
  return { ...throughProxy(client), controller };
}
