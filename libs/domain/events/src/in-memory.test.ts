import { describe } from "vitest";
import { eventLogConformance } from "../test/event-log-conformance.ts";
import { InMemoryEventLog } from "../test/in-memory-events.ts";

describe("the log of events in memory", () => {
  const log = new InMemoryEventLog();
  eventLogConformance(() => ({ log, other: log }));
});
