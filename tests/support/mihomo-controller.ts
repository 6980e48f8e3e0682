import { randomBytes } from "node:crypto";
import { freePort } from "@veil/engines";
import { z } from "zod";

/** mihomo's own API, switched on from the command line: the config stays as it was. */
export interface MihomoController {
  readonly arguments: readonly string[];
  /** The names of a group's proxies. */
  proxiesOf(group: string): Promise<string[]>;
  select(group: string, proxy: string): Promise<void>;
}

const groupAnswer = z.object({ all: z.array(z.string()) });

export async function mihomoController(): Promise<MihomoController> {
  const address = `127.0.0.1:${await freePort()}`;
  const secret = randomBytes(16).toString("hex");
  const call = async (group: string, init: RequestInit = {}) => {
    const url = `http://${address}/proxies/${encodeURIComponent(group)}`;
    const response = await fetch(url, { ...init, headers: { authorization: `Bearer ${secret}` } });
    if (!response.ok) throw new Error(`mihomo answers ${response.status}: ${await response.text()}`);
    return response;
  };
  return {
    arguments: ["-ext-ctl", address, "-secret", secret],
    proxiesOf: async (group) => groupAnswer.parse(await (await call(group)).json()).all,
    select: async (group, proxy) => {
      await call(group, { method: "PUT", body: JSON.stringify({ name: proxy }) });
    },
  };
}
