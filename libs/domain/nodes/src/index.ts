/** The fleet: which nodes there are, in which state, and which ones links lead to. Pure: no I/O, no clock of its own, no Xray. */
export {
  activated,
  CHANGE_PLACES,
  changed,
  changeFleet,
  type ChangeStamp,
  disabled,
  drained,
  ended,
  entered,
  type FleetChange,
  isToBeFilled,
  type NewNode,
  type NodeChange,
  nodeOf,
} from "./change-fleet.ts";
export { changeTogether, type FleetDecision } from "./change-together.ts";
export { type HostChange, hostChanged, hostDeleted, hostOf, hostPut, type NewHost } from "./change-hosts.ts";
export {
  changedAsFound,
  discovered,
  type DiscoveryRules,
  discoverySteps,
  isBraked,
  type LookTime,
  type NodeTemplate,
} from "./discovery.ts";
export { type FoundEndpoint, foundNodes } from "./found-nodes.ts";
export { FirstLinked } from "./first-linked.ts";
export {
  DEFAULT_MULTIPLIER,
  DEFAULT_NODE_GROUPS,
  type Fleet,
  type FleetNode,
  type FleetUpdate,
  inOrder,
  isSameAddress,
  isSameGroups,
  isSameNode,
  meteredNodes,
  FIXABLE_FIELDS,
  type NodeDiscovery,
  type NodeFields,
  type NodeTls,
  servingNodes,
} from "./fleet.ts";
export { FLEET_TOO_LARGE, MOST_NODES } from "./fleet-limits.ts";
export { FLEET_SUBJECT, type FleetEvent, isFleetEventId } from "./fleet-event.ts";
export {
  type InboundFields,
  inboundsFault,
  inboundsOf,
  meteredTags,
  MOST_INBOUNDS,
  type NodeInbound,
  PLAIN_INBOUND,
} from "./inbounds.ts";
export {
  inboundFilled,
  inboundGone,
  isSamePlace,
  type Place,
  nameBeside,
  nodeOfPlace,
  placesOf,
  servingPlaces,
  versionOfPlace,
} from "./places.ts";
export {
  type FleetHost,
  type HostFields,
  hostLink,
  hostsOf,
  isOwnHostId,
  MOST_HOSTS,
  type NodeHost,
  ownHostId,
  PLAIN_HOST,
} from "./hosts.ts";
export { type LinkedHost, type LinkedKeyFacts, type LinkedPlace, LinkedPlaces, placeKey } from "./linked-places.ts";
export type {
  FleetOutbox,
  FleetReader,
  FleetStore,
  NodePass,
  NodePasses,
  SeenInbound,
  SeenInbounds,
} from "./ports.ts";
export { filledRemark, type Placeholder, PLACEHOLDERS, placeholdersOf, unknownPlaceholder } from "./remarks.ts";
export { type ListedNode, seeded, seedFleet, type SeedNote, type SeedOptions } from "./seed-fleet.ts";
export { FLEET_LOOK_EVERY_MS, FLEET_LOOK_JITTER, KNOWN_TO_ALL_MS } from "./timing.ts";
