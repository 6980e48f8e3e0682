/** Builds the VPN clients that judge our links, at pinned versions. It knows nothing of links and how they are read. */
export { findClient } from "./find-client.ts";
export { type ClientName, clientNames } from "./pinned-clients.ts";
