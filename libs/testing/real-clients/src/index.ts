/** Builds the VPN clients that read our links, at pinned versions. It knows nothing of links and how clients read them. */
export { findClient } from "./find-client.ts";
export { type ClientName, clientNames } from "./pinned-clients.ts";
