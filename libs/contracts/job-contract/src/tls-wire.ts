import type { NodeTls } from "@veil/nodes";
import { z } from "zod";

const text = z.string().max(1_000);

/**
 * Files for TLS to a node as they travel, in jobs and in the API's bodies. No codec: zod encodes one within an optional field also
 * when the field is left out.
 */
export const tlsWire = z
  .object({ ca_file: text, certificate_file: text, key_file: text, server_name: text.nullable() })
  .nullable();

type TlsWire = z.infer<typeof tlsWire>;

export function tlsOfWire(wire: TlsWire): NodeTls | null {
  if (wire === null) return null;
  const { ca_file: caFile, certificate_file: certificateFile, key_file: keyFile, server_name: serverName } = wire;
  return { caFile, certificateFile, keyFile, serverName };
}

export function tlsWireOf(tls: NodeTls | null): TlsWire {
  if (tls === null) return null;
  const { caFile, certificateFile, keyFile, serverName } = tls;
  return { ca_file: caFile, certificate_file: certificateFile, key_file: keyFile, server_name: serverName };
}
