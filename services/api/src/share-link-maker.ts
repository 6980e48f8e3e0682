import { connectionLink } from "@veil/protocols";
import { LinkNotConfiguredError, NoNodeForKeyError } from "./errors.ts";
import type { KeyPlace, PlacesOf, ShareLink, ShareLinksOf } from "./ports.ts";
import type { ApiSettings } from "./settings.ts";

/** Makes the share links of a key: one for each place where clients find a node of its groups. */
export function shareLinkMaker(
  placesOf: PlacesOf,
  { LINK_FLOW_NONE }: Pick<ApiSettings, "LINK_FLOW_NONE">,
): ShareLinksOf {
  return async (key) => {
    const linkTo = ({ node, connectionOf }: KeyPlace): ShareLink => {
      const connection = connectionOf(key);
      const { address: host, protocol, remark } = connection;
      return { host, node, protocol, remark, link: connectionLink(connection, LINK_FLOW_NONE) };
    };
    const [first, ...others] = await placesOf(key.terms.groups);
    if (first === undefined) {
      const isNoneActive = (await placesOf(null)).length === 0;
      throw isNoneActive ? new LinkNotConfiguredError("active node") : new NoNodeForKeyError();
    }
    return [linkTo(first), ...others.map(linkTo)];
  };
}
