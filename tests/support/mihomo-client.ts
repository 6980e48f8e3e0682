import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@veil/engines";
import { z } from "zod";
import { fetchThroughProxy } from "./fetch-through-proxy.ts";
import { startProxyClient } from "./start-proxy-client.ts";
import { throughProxy, type VpnClient } from "./vpn-client.ts";

/** mihomo, which reads links itself. */
export interface MihomoClient extends VpnClient {
  /** The names under which it shows what it made of the links; a link that it can't use is missing. */
  names(): Promise<string[]>;
}

const LOOK_AGAIN_MS = 50;
const providerAnswer = z.object({ proxies: z.array(z.object({ name: z.string() })) });

/**
 * mihomo with a provider that holds the links to the letter, one a line: its own converter reads them.
 *
 * A group without a usable proxy falls back to a direct connection in mihomo, so that bytes would pass beside the
 * tunnel; `empty-fallback` shuts that way here.
 */
export async function startMihomoClient(binary: string, ...links: readonly string[]): Promise<MihomoClient> {
  const controllerPort = await freePort();
  const secret = randomBytes(16).toString("hex");
  const headers = { authorization: `Bearer ${secret}` };
  const controller = `http://127.0.0.1:${controllerPort}`;
  const client = await startProxyClient((port) => ({
    binary,
    files: {
      "links.txt": `${links.join("\n")}\n`,
      // JSON is YAML too.
      "config.yaml": JSON.stringify({
        "mixed-port": port,
        "bind-address": "127.0.0.1",
        "log-level": "warning",
        mode: "rule",
        ipv6: true,
        "external-controller": new URL(controller).host,
        secret,
        "proxy-providers": { veil: { type: "file", path: "./links.txt", "health-check": { enable: false } } },
        "proxy-groups": [{ name: "VPN", type: "select", use: ["veil"], "empty-fallback": "REJECT" }],
        rules: [`DST-PORT,${controllerPort},DIRECT`, "MATCH,VPN"],
      }),
    },
    arguments: (directory) => ["-d", directory],
  }));
  await untilRunning(client.proxyPort, `${controller}/version`, headers);
  const names = async () => {
    const response = await fetch(`${controller}/providers/proxies/veil`, { headers });
    return providerAnswer.parse(await response.json()).proxies.map(({ name }) => name);
  };
  return { ...throughProxy(client), names };
}

/** Its port is open before it has read its providers; whoever connects in between is hung up on. */
async function untilRunning(proxyPort: number, url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const isRunning = () =>
    fetchThroughProxy(proxyPort, url, { headers, withinMs: 1_000 }).then(
      () => true,
      () => false,
    );
  while (!(await isRunning())) await sleep(LOOK_AGAIN_MS);
}
