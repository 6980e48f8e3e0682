/** All types of events; each name is contract. */
export const eventTypes = [
  "key.created",
  "key.updated",
  "key.deleted",
  "key.enabled",
  "key.disabled",
  "key.expired",
  "key.limited",
  "key.traffic_reset",
  "key.revoked",
  "key.first_connected",
  "key.usage_threshold",
  "key.expires_soon",
  "key.device_added",
  "key.device_refused",
  "node.down",
  "node.up",
  "node.drained",
  "token.created",
  "token.deleted",
  "webhook.disabled",
] as const;

export type EventType = (typeof eventTypes)[number];

/**
 * Whether an event of this type is the last of its subject: a key's id is given once. Any other subject may come back, such as a
 * token of the same name.
 */
export function isLastOfSubject(type: string): boolean {
  return type === "key.deleted";
}

const known: ReadonlySet<string> = new Set(eventTypes);

/** Whether a text names a type of event. */
export function isEventType(text: string): text is EventType {
  return known.has(text);
}
