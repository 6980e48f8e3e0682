import type { ConnectedPlace } from "./connection.ts";
import type { LinkedKey, LinkSettings } from "./share-link.ts";

/** The server's part of a connection, whichever protocol it has: Reality around TCP or another transport. */
export function connectedPlace({ remark }: LinkedKey, settings: LinkSettings): ConnectedPlace {
  const { host, port, sni, publicKey, shortId, fingerprint, alpn, transport = { kind: "tcp" } } = settings;
  return {
    remark,
    address: host.replace(/^\[(.*)\]$/, "$1"),
    port,
    security: {
      kind: "reality",
      sni,
      publicKey,
      shortId,
      fingerprint,
      spiderX: "/",
      ...(alpn !== undefined && { alpn }),
    },
    transport,
  };
}
