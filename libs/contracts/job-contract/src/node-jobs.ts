import { DEFAULT_MULTIPLIER, DEFAULT_NODE_GROUPS, type NewNode, type NodeChange } from "@veil/nodes";
import { z } from "zod";
import { fleetChangeResult, notApplied, notFound } from "./not-applied.ts";
import { inboundOfWire, inboundWire, inboundWireOf, tlsOfWire, tlsWire, tlsWireOf } from "./node-wire.ts";
import { actor, deadline, requestId } from "./payload-fields.ts";

const LONGEST_TEXT = 1_000;

const text = z.string().max(LONGEST_TEXT);
const fields = {
  address: text,
  inbound_tag: text,
  host: text.nullable(),
  port: z.number().int().nullable(),
  public_key: text.nullable(),
  short_id: text.nullable(),
  sni: text.nullable(),
  note: text.nullable(),
} as const;

const groups = z.array(text);

const multiplier = z.number().min(0).max(100);

const inbounds = z.array(inboundWire);

/** An API from before nodes had TLS, groups, several inbounds and a multiplier names none of them. */
const newWire = z.object({
  name: text,
  ...fields,
  inbounds: inbounds.default([]),
  tls: tlsWire.default(null),
  groups: groups.exactOptional(),
  multiplier: multiplier.default(DEFAULT_MULTIPLIER),
});

const newNode = z.codec(newWire, z.custom<NewNode>(), {
  decode: ({ inbound_tag: inboundTag, public_key: publicKey, short_id: shortId, tls: secured, ...same }) => ({
    groups: DEFAULT_NODE_GROUPS,
    ...same,
    inbounds: same.inbounds.map(inboundOfWire),
    tls: tlsOfWire(secured),
    inboundTag,
    publicKey,
    shortId,
  }),
  encode: ({ inboundTag, publicKey, shortId, groups: named, tls: secured, ...same }) => ({
    ...same,
    inbounds: same.inbounds.map(inboundWireOf),
    tls: tlsWireOf(secured),
    groups: [...named],
    inbound_tag: inboundTag,
    public_key: publicKey,
    short_id: shortId,
  }),
});

const changeWire = z.object({
  address: fields.address.exactOptional(),
  inbound_tag: fields.inbound_tag.exactOptional(),
  host: fields.host.exactOptional(),
  port: fields.port.exactOptional(),
  public_key: fields.public_key.exactOptional(),
  short_id: fields.short_id.exactOptional(),
  sni: fields.sni.exactOptional(),
  note: fields.note.exactOptional(),
  inbounds: inbounds.exactOptional(),
  tls: tlsWire.exactOptional(),
  groups: groups.exactOptional(),
  multiplier: multiplier.exactOptional(),
});

const nodeChange = z.codec(changeWire, z.custom<NodeChange>(), {
  decode: ({
    inbound_tag: inboundTag,
    public_key: publicKey,
    short_id: shortId,
    tls: secured,
    inbounds: several,
    ...same
  }): NodeChange => ({
    ...same,
    ...(several !== undefined && { inbounds: several.map(inboundOfWire) }),
    ...(secured !== undefined && { tls: tlsOfWire(secured) }),
    ...(inboundTag !== undefined && { inboundTag }),
    ...(publicKey !== undefined && { publicKey }),
    ...(shortId !== undefined && { shortId }),
  }),
  encode: ({
    address,
    inboundTag,
    inbounds: several,
    tls: secured,
    host,
    port,
    publicKey,
    shortId,
    sni,
    note,
    groups: named,
    multiplier: factor,
  }) => ({
    ...(several !== undefined && { inbounds: several.map(inboundWireOf) }),
    ...(address !== undefined && { address }),
    ...(inboundTag !== undefined && { inbound_tag: inboundTag }),
    ...(secured !== undefined && { tls: tlsWireOf(secured) }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(publicKey !== undefined && { public_key: publicKey }),
    ...(shortId !== undefined && { short_id: shortId }),
    ...(sni !== undefined && { sni }),
    ...(note !== undefined && { note }),
    ...(named !== undefined && { groups: [...named] }),
    ...(factor !== undefined && { multiplier: factor }),
  }),
});

const ofRequest = { deadline, request_id: requestId } as const;
const ofOneNode = { name: text, ...ofRequest } as const;
/** The jobs that change which nodes there are. New in 1.5. */
export const nodeJobs = {
  "create-node": {
    queue: "veil-keys",
    payload: z.object({ node: newNode, ...ofRequest }),
    result: fleetChangeResult,
    attempts: 12,
  },
  "change-node": {
    queue: "veil-keys",
    payload: z.object({ ...ofOneNode, change: nodeChange }),
    result: fleetChangeResult,
    attempts: 12,
  },
  "drain-node": {
    queue: "veil-keys",
    payload: z.object({ ...ofOneNode, is_drained: z.boolean(), actor }),
    result: fleetChangeResult,
    attempts: 12,
  },
  "delete-node": {
    queue: "veil-keys",
    payload: z.object({ ...ofOneNode, force: z.boolean() }),
    result: z.discriminatedUnion("outcome", [z.object({ outcome: z.literal("deleted") }), notFound, ...notApplied]),
    attempts: 12,
  },
  /** Brings the bytes of one node into the ledger, all that it has counted when the job is submitted. */
  "read-node": {
    queue: "veil-traffic",
    payload: z.object(ofOneNode),
    result: z.object({ outcome: z.enum(["read", "unreadable"]) }),
    attempts: 3,
  },
} as const;
