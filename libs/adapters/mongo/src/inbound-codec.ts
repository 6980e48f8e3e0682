import { PROTOCOLS, TRANSPORTS } from "@veil/protocols";
import { type NodeInbound, PLAIN_INBOUND } from "@veil/nodes";
import { z } from "zod";

/** One of several inbounds of a node, or one of which more than the tag is said. */
export const inboundDocument = z.object({
  tag: z.string(),
  protocol: z.string().default(PLAIN_INBOUND.protocol),
  transport: z.string().default(PLAIN_INBOUND.transport),
  path: z.string().nullable().default(null),
  server_key: z.string().nullable().default(null),
  encryption: z.string().nullable().default(null),
  port: z.number().nullable().default(null),
  public_key: z.string().nullable().default(null),
  short_id: z.string().nullable().default(null),
  sni: z.string().nullable().default(null),
  groups: z.array(z.string()).nullable().default(null),
  /** Milliseconds since the epoch. */
  regrouped_at: z.number().default(0),
  former_groups: z.array(z.string()).default([]),
  leaving: z.boolean().default(false),
  unfilled: z.boolean().default(false),
});
type InboundDocument = Readonly<z.infer<typeof inboundDocument>>;

/** @returns none of those that only a newer version can serve; the first one in any case, since its place has the node's name */
export function toInbounds(documents: readonly InboundDocument[]): NodeInbound[] {
  return documents.flatMap((document, index) => {
    const { server_key, public_key, short_id, regrouped_at, former_groups, leaving, unfilled, ...same } = document;
    const first = index === 0 ? PLAIN_INBOUND : undefined;
    const protocol = PROTOCOLS.find((known) => known === document.protocol) ?? first?.protocol;
    const transport = TRANSPORTS.find((known) => known === document.transport) ?? first?.transport;
    if (protocol === undefined || transport === undefined) return [];
    return {
      ...same,
      protocol,
      transport,
      serverKey: server_key,
      publicKey: public_key,
      shortId: short_id,
      regroupedAt: regrouped_at,
      formerGroups: former_groups,
      isLeaving: leaving,
      isUnfilled: unfilled,
    };
  });
}

export function toInboundDocument(inbound: NodeInbound): InboundDocument {
  const { serverKey, publicKey, shortId, groups, regroupedAt, formerGroups, isLeaving, isUnfilled, ...same } = inbound;
  return {
    ...same,
    server_key: serverKey,
    public_key: publicKey,
    short_id: shortId,
    groups: groups === null ? null : [...groups],
    regrouped_at: regroupedAt,
    former_groups: [...formerGroups],
    leaving: isLeaving,
    unfilled: isUnfilled,
  };
}
