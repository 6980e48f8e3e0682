import type { Clock } from "@veil/key-lifecycle";
import type { Jobs } from "../ports.ts";

/** What every write needs. */
export interface WritePorts {
  readonly jobs: Jobs;
  readonly clock: Clock;
  /** A fresh random UUID for the id of a job. */
  readonly newId: () => string;
  /** How long a caller waits for a write at most. */
  readonly writeDeadlineMs: number;
  /** False while MongoDB is known to be away. */
  readonly storeIsUp: () => boolean;
}
