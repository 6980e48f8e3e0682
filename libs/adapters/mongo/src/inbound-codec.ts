import { PROTOCOLS, TRANSPORTS } from "@veil/protocols";
import { isDeepStrictEqual } from "node:util";
import { type FleetNode, type NodeInbound, PLAIN_INBOUND } from "@veil/nodes";
import { z } from "zod";

/** One of several inbounds of a node, or one of which more than the tag is said. */
const inboundDocument = z.object({
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

/** Whether the first of a node's stored inbounds makes sense: another one in its place would have the node's name. */
export function isFirstReadable([first]: readonly unknown[]): boolean {
  return first === undefined || inboundDocument.safeParse(first).success;
}

/** @returns none of those that only a newer version can serve; the first one in any case, since its place has the node's name */
export function toInbounds(stored: readonly unknown[]): NodeInbound[] {
  return readable(stored).flatMap((document, index) => {
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

function toInboundDocument(inbound: NodeInbound): InboundDocument {
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

/** A node's stored inbounds, raw, if some of them hold more than this version understands; nothing otherwise. */
export function storedInbounds(stored: readonly unknown[]): Pick<FleetNode, "storedInbounds"> {
  const isKnown = isDeepStrictEqual(toInbounds(stored).map(toInboundDocument), readable(stored));
  return isKnown && stored.every(saysNothingElse) ? {} : { storedInbounds: stored };
}

/** The inbounds of a node as they are stored; what only a newer version understands of those before stays. */
export function toInboundDocuments(inbounds: readonly NodeInbound[], stored: readonly unknown[] = []): unknown[] {
  const known = readable(stored);
  const written = inbounds.map((inbound) => {
    const document = toInboundDocument(inbound);
    const before = tagged
      .array()
      .parse(stored.filter(isTagged))
      .find(({ tag }) => tag === inbound.tag);
    const own = known.find(({ tag }) => tag === inbound.tag);
    // One of a kind that is not known here was read as a plain one.
    const kind = own !== undefined && !isServed(own) && isServedAsPlain(document) ? kindOf(own) : {};
    return { ...before, ...document, ...kind };
  });
  const names = new Set(inbounds.map(({ tag }) => tag));
  const others = stored.filter((document) => {
    const read = inboundDocument.safeParse(document);
    return !read.success || (!isServed(read.data) && !names.has(read.data.tag));
  });
  return [...written, ...others];
}

const tagged = z.looseObject({ tag: z.string() });

function isTagged(document: unknown): boolean {
  return tagged.safeParse(document).success;
}

function readable(stored: readonly unknown[]): InboundDocument[] {
  return stored.flatMap((document) => inboundDocument.safeParse(document).data ?? []);
}

function saysNothingElse(document: unknown): boolean {
  return z.strictObject(inboundDocument.shape).safeParse(document).success;
}

/** Whether this version can serve an inbound. */
function isServed({ protocol, transport }: InboundDocument): boolean {
  return PROTOCOLS.some((known) => known === protocol) && TRANSPORTS.some((known) => known === transport);
}

function isServedAsPlain({ protocol, transport }: InboundDocument): boolean {
  return protocol === PLAIN_INBOUND.protocol || transport === PLAIN_INBOUND.transport;
}

function kindOf({ protocol, transport, path, server_key, encryption }: InboundDocument): Partial<InboundDocument> {
  return { protocol, transport, path, server_key, encryption };
}
