import type { KeyChange } from "@veil/keys";
import { z } from "zod";
import { keyName } from "./key-codec.ts";
import { chosenTerms } from "./terms-codec.ts";

const changeWire = z.object({
  set: chosenTerms,
  name: keyName.exactOptional(),
  extend_seconds: z.number().int().exactOptional(),
  reset_traffic: z.boolean().exactOptional(),
  reset_devices: z.boolean().exactOptional(),
  revoke_link: z.boolean().exactOptional(),
  revoke_credentials: z.boolean().exactOptional(),
});

/** What one change does to a key: snake_case in Redis, the domain's change on both sides of it. */
export const keyChange = z.codec(changeWire, z.custom<KeyChange>(), {
  decode: ({ set, name, extend_seconds, ...acts }) => ({
    set,
    ...(name !== undefined && { name }),
    ...(extend_seconds !== undefined && { extendSeconds: extend_seconds }),
    resetTraffic: acts.reset_traffic ?? false,
    resetDevices: acts.reset_devices ?? false,
    revokeLink: acts.revoke_link ?? false,
    revokeCredentials: acts.revoke_credentials ?? false,
  }),
  encode: ({ set = {}, name, extendSeconds, resetTraffic, resetDevices, revokeLink, revokeCredentials }) => ({
    set,
    ...(name !== undefined && { name }),
    ...(extendSeconds !== undefined && { extend_seconds: extendSeconds }),
    ...(resetTraffic === true && { reset_traffic: true }),
    ...(resetDevices === true && { reset_devices: true }),
    ...(revokeLink === true && { revoke_link: true }),
    ...(revokeCredentials === true && { revoke_credentials: true }),
  }),
});
