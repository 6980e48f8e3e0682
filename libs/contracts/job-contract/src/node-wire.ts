import { type InboundFields, type NodeTls, PLAIN_INBOUND } from "@veil/nodes";
import { PROTOCOLS, TRANSPORTS } from "@veil/protocols";
import { z } from "zod";

/** Longer than any public key. */
const LONGEST_ENCRYPTION = 8_000;
const text = z.string().max(1_000);

/** An inbound of a node as it travels, in jobs and in the API's bodies. Missing fields are left to the node. */
export const inboundWire = z.object({
  tag: text,
  protocol: z.enum(PROTOCOLS),
  transport: z.enum(TRANSPORTS).default(PLAIN_INBOUND.transport),
  path: text.nullable().default(null),
  server_key: text.nullable().default(null),
  encryption: z.string().max(LONGEST_ENCRYPTION).nullable().default(null),
  port: z.number().int().nullable().default(null),
  public_key: text.nullable().default(null),
  short_id: text.nullable().default(null),
  sni: text.nullable().default(null),
  groups: z.array(text).nullable().default(null),
});

type InboundWire = z.infer<typeof inboundWire>;

/** An inbound in the names of the domain; a group named twice counts once. */
export function inboundOfWire({
  server_key: serverKey,
  public_key: publicKey,
  short_id: shortId,
  groups,
  ...same
}: InboundWire): InboundFields {
  return { ...same, serverKey, publicKey, shortId, groups: groups === null ? null : [...new Set(groups)] };
}

/** An inbound in the names of the wire. */
export function inboundWireOf(inbound: InboundFields): InboundWire {
  const { tag, protocol, transport, path, serverKey, encryption, port, publicKey, shortId, sni, groups } = inbound;
  return {
    ...{ tag, protocol, transport, path, encryption, port, sni },
    server_key: serverKey,
    public_key: publicKey,
    short_id: shortId,
    groups: groups === null ? null : [...groups],
  };
}

/**
 * Files for TLS to a node as they travel, in jobs and in the API's bodies. No codec: zod encodes one within an optional field also
 * when the field is left out.
 */
export const tlsWire = z
  .object({ ca_file: text, certificate_file: text, key_file: text, server_name: text.nullable() })
  .nullable();

type TlsWire = z.infer<typeof tlsWire>;

/** The files in the names of the domain. */
export function tlsOfWire(wire: TlsWire): NodeTls | null {
  if (wire === null) return null;
  const { ca_file: caFile, certificate_file: certificateFile, key_file: keyFile, server_name: serverName } = wire;
  return { caFile, certificateFile, keyFile, serverName };
}

/** The files in the names of the wire. */
export function tlsWireOf(tls: NodeTls | null): TlsWire {
  if (tls === null) return null;
  const { caFile, certificateFile, keyFile, serverName } = tls;
  return { ca_file: caFile, certificate_file: certificateFile, key_file: keyFile, server_name: serverName };
}
