import { userEmail } from "@veil/xray-protocols";
import { z } from "zod";
import type { SeededKey } from "./plant.ts";

const tag = "metered-in";

const config = z.looseObject({
  inbounds: z.array(z.unknown()),
  routing: z.looseObject({ rules: z.array(z.unknown()) }),
});

/**
 * Adds a second inbound to an Xray config, without TLS and with the same users: what they send through it ends in a black
 * hole and is counted under their names.
 */
export function addMeteredInbound(before: unknown, port: number, keys: readonly SeededKey[]) {
  const { inbounds, routing, ...rest } = config.parse(before);
  const inbound = {
    tag,
    listen: "127.0.0.1",
    port,
    protocol: "vless",
    settings: {
      clients: keys.map(({ keyId, uuid }) => ({ id: uuid, email: userEmail(keyId) })),
      decryption: "none",
    },
    streamSettings: { network: "raw" },
  };
  return {
    ...rest,
    inbounds: [...inbounds, inbound],
    routing: { ...routing, rules: [{ inboundTag: [tag], outboundTag: "block" }, ...routing.rules] },
  };
}
