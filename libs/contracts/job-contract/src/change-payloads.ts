import type { KeyChange } from "@veil/keys";
import { z } from "zod";
import { keyName } from "./key-codec.ts";
import { chosenTerms } from "./terms-codec.ts";

const changeWire = z.object({
  set: chosenTerms,
  name: keyName.exactOptional(),
  extend_seconds: z.number().int().exactOptional(),
  reset_traffic: z.boolean().exactOptional(),
  revoke_link: z.boolean().exactOptional(),
  revoke_credentials: z.boolean().exactOptional(),
});

/** What one change does to a key: snake_case in Redis, the domain's change on both sides of it. */
export const keyChange = z.codec(changeWire, z.custom<KeyChange>(), {
  decode: ({ set, name, extend_seconds, reset_traffic = false, revoke_link = false, revoke_credentials = false }) => ({
    set,
    ...(name !== undefined && { name }),
    ...(extend_seconds !== undefined && { extendSeconds: extend_seconds }),
    resetTraffic: reset_traffic,
    revokeLink: revoke_link,
    revokeCredentials: revoke_credentials,
  }),
  encode: ({ set = {}, name, extendSeconds, resetTraffic, revokeLink, revokeCredentials }) => ({
    set,
    ...(name !== undefined && { name }),
    ...(extendSeconds !== undefined && { extend_seconds: extendSeconds }),
    ...(resetTraffic === true && { reset_traffic: true }),
    ...(revokeLink === true && { revoke_link: true }),
    ...(revokeCredentials === true && { revoke_credentials: true }),
  }),
});
