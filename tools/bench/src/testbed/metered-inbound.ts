import { userEmail } from "@veil/protocols";
import { z } from "zod";
import type { SeededKey } from "./bench-testbed.ts";

const TAG = "metered-in";
const SINK_TAG = "sink";

const config = z.looseObject({
  policy: z.looseObject({ levels: z.record(z.string(), z.looseObject({})) }),
  inbounds: z.array(z.unknown()),
  outbounds: z.array(z.unknown()),
  routing: z.looseObject({ rules: z.array(z.unknown()) }),
});

/**
 * Adds a second inbound to an Xray config, without TLS and with the same users: what they send through it is counted under
 * their names and ends in a sink on this machine. Xray's own black hole reads nothing, and what is not read is not counted.
 */
export function addMeteredInbound(
  before: unknown,
  { port, sinkPort }: { readonly port: number; readonly sinkPort: number },
  keys: readonly SeededKey[],
) {
  const { inbounds, outbounds, routing, policy, ...rest } = config.parse(before);
  const inbound = {
    tag: TAG,
    listen: "127.0.0.1",
    port,
    protocol: "vless",
    settings: {
      clients: keys.map(({ keyId, uuid }) => ({ id: uuid, email: userEmail(keyId) })),
      decryption: "none",
    },
    streamSettings: { network: "raw" },
  };
  const sink = { tag: SINK_TAG, protocol: "freedom", settings: { redirect: `127.0.0.1:${sinkPort}` } };
  // Once one side has said all, Xray waits a second for the other one: here there is nothing to wait for.
  const levels: Record<string, object> = {};
  for (const [level, limits] of Object.entries(policy.levels)) {
    levels[level] = { ...limits, uplinkOnly: 0, downlinkOnly: 0 };
  }
  return {
    ...rest,
    policy: { ...policy, levels },
    inbounds: [...inbounds, inbound],
    outbounds: [...outbounds, sink],
    routing: { ...routing, rules: [{ inboundTag: [TAG], outboundTag: SINK_TAG }, ...routing.rules] },
  };
}
