/** What was done to the system, for the figures under the table. */
export class Tally {
  kills = 0;
  hangs = 0;
  terminations = 0;
  /** Calls held back or left without an answer between two processes. */
  brokenCalls = 0;
  requests = 0;
  /** Moved through tunnels by real clients. */
  bytes = 0;
}
