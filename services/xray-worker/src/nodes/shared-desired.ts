import type { Creation, DesiredState, DesiredUser } from "@veil/keys";
import type { ReconciledState } from "@veil/reconciler";
import { type Clock, SharedRun } from "@veil/runtime";

type Users = ReadonlyMap<number, DesiredUser>;

/** Long enough for the passes over many nodes that begin together, and short enough for few keys to change meanwhile. */
const RECENT_MS = 10_000;

/** What the nodes should hold, read once for all nodes of a process whose passes come together. */
export class SharedDesired implements ReconciledState {
  readonly #state: DesiredState;
  readonly #clock: Pick<Clock, "now">;
  readonly #reads: SharedRun<Users>;
  #last: { readonly begunAt: number; readonly users: Promise<Users> } | null = null;

  constructor(state: DesiredState, clock: Pick<Clock, "now">) {
    this.#state = state;
    this.#clock = clock;
    this.#reads = new SharedRun(() => this.#read());
  }

  findDesired(): Promise<Users> {
    return this.#reads.run();
  }

  recentDesired(after: number): Promise<Users> {
    this.forgetOld();
    return this.#last !== null && this.#last.begunAt > after ? this.#last.users : this.findDesired();
  }

  /** Lets go of what is no longer recent: of a million keys it is a few hundred megabytes. */
  forgetOld(): void {
    if (this.#last === null) return;
    const age = this.#clock.now() - this.#last.begunAt;
    if (age < 0 || age >= RECENT_MS) this.#last = null;
  }

  hasDesired(atLeast: number, groups: readonly string[]): Promise<boolean> {
    return this.#state.hasDesired(atLeast, groups);
  }

  findCreating(): Promise<readonly Creation[]> {
    return this.#state.findCreating();
  }

  async #read(): Promise<Users> {
    const begunAt = this.#clock.now();
    const users = this.#state.findDesired();
    const read = { begunAt, users };
    this.#last = read;
    try {
      return await users;
    } catch (error) {
      if (this.#last === read) this.#last = null;
      throw error;
    }
  }
}
