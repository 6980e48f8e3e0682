import type { HostChange, NewHost } from "@veil/nodes";
import { z } from "zod";
import { fleetChangeResult } from "./not-applied.ts";
import { deadline, requestId } from "./payload-fields.ts";

const LONGEST_TEXT = 1_000;

const text = z.string().max(LONGEST_TEXT);
const fields = {
  node: text,
  inbound: text.nullable(),
  remark: text.nullable(),
  address: text.nullable(),
  port: z.number().int().nullable(),
  sni: text.nullable(),
  fingerprint: text.nullable(),
  alpn: z.array(text).nullable(),
  path: text.nullable(),
  order: z.number().int(),
  weight: z.number().nullable(),
  groups: z.array(text).nullable(),
  hidden: z.boolean(),
} as const;

const newHost: z.ZodType<NewHost> = z.object({ id: text, ...fields });

const hostChange: z.ZodType<HostChange> = z.object({
  node: fields.node.exactOptional(),
  inbound: fields.inbound.exactOptional(),
  remark: fields.remark.exactOptional(),
  address: fields.address.exactOptional(),
  port: fields.port.exactOptional(),
  sni: fields.sni.exactOptional(),
  fingerprint: fields.fingerprint.exactOptional(),
  alpn: fields.alpn.exactOptional(),
  path: fields.path.exactOptional(),
  order: fields.order.exactOptional(),
  weight: fields.weight.exactOptional(),
  groups: fields.groups.exactOptional(),
  hidden: fields.hidden.exactOptional(),
});

const ofRequest = { deadline, request_id: requestId } as const;
/** The jobs that change what customers see of nodes. New in 1.5. */
export const hostJobs = {
  "put-host": {
    queue: "veil-keys",
    /** `may_make`: whether the id was made for it by the API, so that one that there is not is made. */
    payload: z.object({ host: newHost, may_make: z.boolean(), ...ofRequest }),
    result: fleetChangeResult,
    attempts: 12,
  },
  "change-host": {
    queue: "veil-keys",
    payload: z.object({ host_id: text, change: hostChange, ...ofRequest }),
    result: fleetChangeResult,
    attempts: 12,
  },
  "delete-host": {
    queue: "veil-keys",
    payload: z.object({ host_id: text, ...ofRequest }),
    result: fleetChangeResult,
    attempts: 12,
  },
} as const;
