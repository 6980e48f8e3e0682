import type { ProcessFault } from "@veil/engines";

/** Counts what was done to the system, for the figures under the table. */
export class Tally {
  kills = 0;
  hangs = 0;
  terminations = 0;
  /** Calls held back or left without an answer between two processes. */
  brokenCalls = 0;
  requests = 0;
  /** Moved through tunnels by real clients. */
  bytes = 0;

  count(fault: ProcessFault): void {
    if (fault === "kill") this.kills += 1;
    else if (fault === "hang") this.hangs += 1;
    else this.terminations += 1;
  }
}
