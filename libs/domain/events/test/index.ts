/** The promises of every implementation of the log of events, as tests, and one in memory. For tests only. */
export { eventLogConformance } from "./event-log-conformance.ts";
export { InMemoryEventLog, InMemoryOutbox } from "./in-memory-events.ts";
export { noHints } from "./no-hints.ts";
export { someEvent } from "./some-event.ts";
