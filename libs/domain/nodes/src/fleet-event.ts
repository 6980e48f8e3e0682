import type { Actor } from "@veil/events";

/** Names the fleet where events are looked for: those of all its nodes. */
export const FLEET_SUBJECT = "fleet";

/** Something that happened to a node, stored with the change until it is in the log. */
export interface FleetEvent {
  /** Unique among all events for good. */
  readonly id: string;
  /** That of the fleet in which it is so first. */
  readonly revision: number;
  readonly type: "node.drained";
  /** Unix seconds. */
  readonly at: number;
  readonly actor: Actor;
  /** The node's name. */
  readonly node: string;
}

/** Whether an event of the log is one of the fleet's, by its id. */
export function isFleetEventId(id: string): boolean {
  return id.startsWith("drained-");
}

/** That links show a node no more. */
export function drainedEvent(
  node: string,
  { revision, at, actor }: Omit<FleetEvent, "id" | "type" | "node">,
): FleetEvent {
  return { id: `drained-${revision}-${node}`, revision, type: "node.drained", at, actor, node };
}
