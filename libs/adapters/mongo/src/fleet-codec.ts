import type { Fleet, FleetNode } from "@veil/nodes";
import { z } from "zod";

export const FLEET_ID = "fleet";

const nodeFields = ["address", "inboundTag", "host", "port", "publicKey", "shortId", "sni"] as const;

/** A node within the document of all nodes, under its name. What newer versions know of it besides stays as it is. */
const nodeDocument = z.object({
  address: z.string(),
  inbound_tag: z.string(),
  host: z.string().nullable().default(null),
  port: z.number().nullable().default(null),
  public_key: z.string().nullable().default(null),
  short_id: z.string().nullable().default(null),
  sni: z.string().nullable().default(null),
  state: z.enum(["joining", "active", "draining", "disabled", "gone"]),
  /** Milliseconds since the epoch. */
  since: z.number(),
  note: z.string().nullable().default(null),
  origin: z.enum(["environment", "api"]),
  /** Fields that only a newer version knows are nothing here. */
  fixed: z.array(z.string()).default([]),
  position: z.number(),
  /** Unix seconds. */
  created_at: z.number(),
  jobs: z.array(z.string()).default([]),
});
type NodeDocument = Readonly<z.infer<typeof nodeDocument>>;

/** All nodes, in one document. */
export const fleetDocument = z.object({
  _id: z.literal(FLEET_ID),
  revision: z.number(),
  nodes: z.record(z.string(), nodeDocument).default({}),
});
export type FleetDocument = Readonly<z.infer<typeof fleetDocument>>;

/** @returns the nodes in no order */
export function toFleet({ revision, nodes }: FleetDocument): Fleet {
  return { revision, nodes: Object.entries(nodes).map(([name, node]) => toNode(name, node)) };
}

function toNode(name: string, node: NodeDocument): FleetNode {
  const { inbound_tag, public_key, short_id, created_at, fixed, ...same } = node;
  return {
    name,
    ...same,
    inboundTag: inbound_tag,
    publicKey: public_key,
    shortId: short_id,
    createdAt: created_at,
    fixed: nodeFields.filter((field) => fixed.includes(field)),
  };
}

export function toNodeDocument(node: FleetNode): NodeDocument {
  const { name: _, inboundTag, publicKey, shortId, createdAt, fixed, jobs, ...same } = node;
  return {
    ...same,
    inbound_tag: inboundTag,
    public_key: publicKey,
    short_id: shortId,
    created_at: createdAt,
    fixed: [...fixed],
    jobs: [...jobs],
  };
}
