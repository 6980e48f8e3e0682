import { type KeySelection, keyStatuses } from "@veil/keys";
import { z } from "zod";
import { keyChange } from "./change-payloads.ts";
import { actor, deadline, owner, requestId } from "./payload-fields.ts";

/** Most keys that one batch names by their ids. */
export const LARGEST_UPDATE = 10_000;

const moment = z.number().int().nonnegative();

const selectionWire = z.object({
  status: z.enum(keyStatuses).exactOptional(),
  tag: z.string().exactOptional(),
  group: z.string().exactOptional(),
  external_id: z.string().exactOptional(),
  name: z.string().exactOptional(),
  expires_before: moment.exactOptional(),
  expires_after: moment.exactOptional(),
  online: z.boolean().exactOptional(),
});

/** A selection of keys: snake_case in Redis, the domain's selection on both sides of it. */
const keySelection = z.codec(selectionWire, z.custom<KeySelection>(), {
  decode: ({ external_id: externalId, expires_before: before, expires_after: after, ...rest }) => ({
    ...rest,
    ...(externalId !== undefined && { externalId }),
    ...(before !== undefined && { expiresBefore: before }),
    ...(after !== undefined && { expiresAfter: after }),
  }),
  encode: ({ externalId, expiresBefore, expiresAfter, ...rest }) => ({
    ...rest,
    ...(externalId !== undefined && { external_id: externalId }),
    ...(expiresBefore !== undefined && { expires_before: expiresBefore }),
    ...(expiresAfter !== undefined && { expires_after: expiresAfter }),
  }),
});

/** The payload of "update-keys": what is done to which keys. */
export const updateKeysPayload = z.object({
  keys: z.union([
    z.object({ key_ids: z.array(z.number().int().nonnegative()).min(1).max(LARGEST_UPDATE) }),
    z.object({ filter: keySelection }),
  ]),
  owner,
  change: keyChange,
  deadline,
  request_id: requestId,
  actor,
});
