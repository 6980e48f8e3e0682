/** MongoDB and Redis as a service process stands on them. Knows no key, no job, no Xray and no HTTP of the API. */
export { type FollowedFleet, followFleet } from "./follow-fleet.ts";
export { listedNodes } from "./listed-nodes.ts";
export { type BackingServices, openBackingServices } from "./open-backing-services.ts";
