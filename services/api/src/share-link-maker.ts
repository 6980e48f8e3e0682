import { nodeSettings } from "@veil/node-settings";
import { keyProtocol } from "@veil/xray-protocols";
import { LinkNotConfiguredError } from "./errors.ts";
import type { ShareLinkOf } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

/** Makes share links from the settings. They lead to the first node: a key works on every node. */
export function shareLinkMaker(settings: ApiSettings): ShareLinkOf {
  const link = nodeSettings(settings)[0]?.link ?? {};
  const host = link.host ?? settings.DOMAIN;
  const publicKey = link.publicKey ?? settings.REALITY_PUBLIC_KEY;
  return ({ keyId, uuid, name, flow }) => {
    if (publicKey === undefined) throw new LinkNotConfiguredError("Reality public key");
    if (host === undefined) throw new LinkNotConfiguredError("server domain");
    return keyProtocol.shareLink(
      { id: keyId, uuid, name, flow },
      {
        host,
        port: link.port ?? settings.REALITY_PORT,
        sni: settings.REALITY_SNI ?? settings.REALITY_SERVER_NAME,
        fingerprint: settings.REALITY_FINGERPRINT,
        publicKey,
        shortId: settings.REALITY_COMMON_SHORT_ID,
        noFlow: settings.LINK_FLOW_NONE,
      },
    );
  };
}
