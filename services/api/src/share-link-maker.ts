import { connectionLink } from "@veil/protocols";
import { LinkNotConfiguredError } from "./errors.ts";
import type { KeyPlace, ShareLink, ShareLinksOf } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

/** Makes the share links of a key: one for each place where clients find a node. */
export function shareLinkMaker(
  places: () => Promise<readonly KeyPlace[]>,
  { LINK_FLOW_NONE }: Pick<ApiSettings, "LINK_FLOW_NONE">,
): ShareLinksOf {
  return async (key) => {
    const linkTo = ({ node, connectionOf }: KeyPlace): ShareLink => {
      const connection = connectionOf(key);
      const { address: host, protocol, remark } = connection;
      return { host, node, protocol, remark, link: connectionLink(connection, LINK_FLOW_NONE) };
    };
    const [first, ...others] = await places();
    if (first === undefined) throw new LinkNotConfiguredError("active node");
    return [linkTo(first), ...others.map(linkTo)];
  };
}
