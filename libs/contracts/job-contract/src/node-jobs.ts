import { DEFAULT_NODE_GROUPS, type NewNode, type NodeChange, type NodeTls } from "@veil/nodes";
import { z } from "zod";
import { notApplied } from "./not-applied.ts";
import { actor, deadline, requestId } from "./payload-fields.ts";

const LONGEST_TEXT = 1_000;

const text = z.string().max(LONGEST_TEXT);
const tlsWire = z.object({ ca_file: text, certificate_file: text, key_file: text, server_name: text.nullable() });
/** No codec within the others: zod would encode one that is left out, too. */
const tls = tlsWire.nullable();
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

/** An API from before nodes had TLS and groups names neither. */
const newWire = z.object({ name: text, ...fields, tls: tls.default(null), groups: groups.exactOptional() });

const newNode = z.codec(newWire, z.custom<NewNode>(), {
  decode: ({ inbound_tag: inboundTag, public_key: publicKey, short_id: shortId, tls: secured, ...same }) => ({
    groups: DEFAULT_NODE_GROUPS,
    ...same,
    tls: tlsOf(secured),
    inboundTag,
    publicKey,
    shortId,
  }),
  encode: ({ inboundTag, publicKey, shortId, groups: named, tls: secured, ...same }) => ({
    ...same,
    tls: wireOf(secured),
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
  tls: tls.exactOptional(),
  groups: groups.exactOptional(),
});

const nodeChange = z.codec(changeWire, z.custom<NodeChange>(), {
  decode: ({
    inbound_tag: inboundTag,
    public_key: publicKey,
    short_id: shortId,
    tls: secured,
    ...same
  }): NodeChange => ({
    ...same,
    ...(secured !== undefined && { tls: tlsOf(secured) }),
    ...(inboundTag !== undefined && { inboundTag }),
    ...(publicKey !== undefined && { publicKey }),
    ...(shortId !== undefined && { shortId }),
  }),
  encode: ({ address, inboundTag, tls: secured, host, port, publicKey, shortId, sni, note, groups: named }) => ({
    ...(address !== undefined && { address }),
    ...(inboundTag !== undefined && { inbound_tag: inboundTag }),
    ...(secured !== undefined && { tls: wireOf(secured) }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(publicKey !== undefined && { public_key: publicKey }),
    ...(shortId !== undefined && { short_id: shortId }),
    ...(sni !== undefined && { sni }),
    ...(note !== undefined && { note }),
    ...(named !== undefined && { groups: [...named] }),
  }),
});

function tlsOf(wire: z.infer<typeof tls>): NodeTls | null {
  if (wire === null) return null;
  const { ca_file: caFile, certificate_file: certificateFile, key_file: keyFile, server_name: serverName } = wire;
  return { caFile, certificateFile, keyFile, serverName };
}

function wireOf(secured: NodeTls | null): z.infer<typeof tls> {
  if (secured === null) return null;
  const { caFile, certificateFile, keyFile, serverName } = secured;
  return { ca_file: caFile, certificate_file: certificateFile, key_file: keyFile, server_name: serverName };
}

const ofRequest = { deadline, request_id: requestId } as const;
const ofOneNode = { name: text, ...ofRequest } as const;
const changed = z.object({ outcome: z.literal("changed") });
const notFound = z.object({ outcome: z.literal("not-found") });
/** Another node has the name, the address or the Xray process. */
const taken = z.object({ outcome: z.literal("taken"), detail: z.string() });
const refused = z.object({ outcome: z.literal("refused"), detail: z.string() });

const changeResult = z.discriminatedUnion("outcome", [changed, notFound, taken, refused, ...notApplied]);

/** The jobs that change which nodes there are. New in 1.5. */
export const nodeJobs = {
  "create-node": {
    queue: "veil-keys",
    payload: z.object({ node: newNode, ...ofRequest }),
    result: changeResult,
    attempts: 12,
  },
  "change-node": {
    queue: "veil-keys",
    payload: z.object({ ...ofOneNode, change: nodeChange }),
    result: changeResult,
    attempts: 12,
  },
  "drain-node": {
    queue: "veil-keys",
    payload: z.object({ ...ofOneNode, is_drained: z.boolean(), actor }),
    result: changeResult,
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
