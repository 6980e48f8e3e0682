import type { Supervised } from "./supervise.ts";

/**
 * The order in which processes are stopped, and how many milliseconds each has before it is killed: 14 s in all. The API
 * takes no further request and ends those that it has, for which it needs the worker; the services end before what they
 * stand on.
 */
const STAGES = [
  { name: "api", graceMs: 5_000 },
  { name: "services", graceMs: 5_000 },
  { name: "xray", graceMs: 1_000 },
  { name: "mongodb", graceMs: 1_500 },
  { name: "redis", graceMs: 1_500 },
] as const;

export type Stage = (typeof STAGES)[number]["name"];

/** Everything that was started, and the order in which it ends. */
export class StopOrder {
  readonly #members = new Map<Stage, Supervised[]>();
  #isStopping = false;

  /** A member that comes too late, when the rest is being stopped already, is killed. */
  add(stage: Stage, member: Supervised): void {
    if (this.#isStopping) member.kill();
    this.#members.set(stage, [...(this.#members.get(stage) ?? []), member]);
  }

  /** Stops stage after stage; each waits until the one before it has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { name, graceMs } of STAGES) {
      await Promise.all((this.#members.get(name) ?? []).map((member) => member.stop(graceMs)));
    }
  }

  kill(): void {
    this.#isStopping = true;
    for (const member of [...this.#members.values()].flat()) member.kill();
  }
}
