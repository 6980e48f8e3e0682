import { connectionLink } from "@veil/protocols";
import type { KeyPlace, ShareLink, ShareLinksOf } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

/** Makes the share links of a key: one for each place where clients find a node. */
export function shareLinkMaker(
  [first, ...others]: readonly [KeyPlace, ...KeyPlace[]],
  { LINK_FLOW_NONE }: Pick<ApiSettings, "LINK_FLOW_NONE">,
): ShareLinksOf {
  return (key) => {
    const linkTo = ({ node, connectionOf }: KeyPlace): ShareLink => {
      const connection = connectionOf(key);
      const { address: host, protocol, remark } = connection;
      return { host, node, protocol, remark, link: connectionLink(connection, LINK_FLOW_NONE) };
    };
    return [linkTo(first), ...others.map(linkTo)];
  };
}
