import { type PeerCertificate, checkServerIdentity, createSecureContext } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

/** Our identity at a node, and the one that we expect of it: mutual TLS. PEM. */
export interface TlsIdentity {
  /** Whose certificates are trusted, and no others. */
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** The name that the node's certificate has to have; null for the host of its address. */
  readonly serverName: string | null;
}

/**
 * Credentials for one channel. Xray's API knows no callers, so what stands before it has to: both ends show a certificate.
 *
 * @param onServerCertificate called at each handshake with the end of the server's certificate, in unix seconds
 * @throws {Error} what OpenSSL says of a certificate or key that is none, or of two that don't fit
 */
export function tlsCredentials(
  { ca, certificate, key }: TlsIdentity,
  onServerCertificate: (expiresAt: number) => void,
): ChannelCredentials {
  const context = createSecureContext({ ca, cert: certificate, key, minVersion: "TLSv1.3" });
  return credentials.createFromSecureContext(context, {
    checkServerIdentity: (host: string, shown: PeerCertificate) => {
      onServerCertificate(Math.floor(Date.parse(shown.valid_to) / 1_000));
      return checkServerIdentity(host, shown);
    },
  });
}
