/** Events: where they are born, the log of them and the relay between them. Pure: no I/O, and nothing of keys. */
export {
  type Actor,
  isReservedName,
  type LoggedEvent,
  numberedSecret,
  SYSTEM,
  unnamedActor,
  type VeilEvent,
} from "./event.ts";
export { type EventType, eventTypes, isEventType } from "./event-types.ts";
export type { EventHints, EventLog, EventQuery, EventReader, Hint, Outbox, TailEntry } from "./ports.ts";
export { type RelayPorts, relayEvents } from "./relay-events.ts";
