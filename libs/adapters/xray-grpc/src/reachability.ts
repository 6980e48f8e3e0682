import { setTimeout as delay } from "node:timers/promises";

/**
 * The state of a node: not answered yet, answering, its connection is gone, or silent on a connection that stands (or
 * that never came to stand).
 */
export type NodeState = "connecting" | "answering" | "lost" | "hung";

export interface ReachabilityOptions {
  /** One cheap call that ends within about a second. True when the node answered, whatever it said. */
  readonly probe: () => Promise<boolean>;
  /** Gives up the connection and starts with a new one. */
  readonly reconnect: () => void;
  readonly onChange: (reachable: boolean) => void;
  /** The least time between the starts of two probes. */
  readonly probeIntervalMs: number;
  /** After so long a silence a connection without traffic is probed: it may lead to a machine that is no more. */
  readonly reconnectAfterMs: number;
  /** So long one may take to come to stand: to an address that is no more, the kernel would go on trying for two minutes. */
  readonly connectWithinMs: number;
}

/**
 * Whether a node answers. Bad news comes from outside (a lost connection, a call that ran out of time), good news only
 * from its own probes, which run whenever the node is not answering.
 */
export class Reachability {
  readonly #options: ReachabilityOptions;
  readonly #closed = new AbortController();
  #state: NodeState = "connecting";
  #losses = 0;
  #probing = false;

  constructor(options: ReachabilityOptions) {
    this.#options = options;
    void this.#probeUntilAnswered();
  }

  get state(): NodeState {
    return this.#state;
  }

  /** How often the connection was lost or given up. Facts learned of the process before a loss may be wrong after it. */
  get losses(): number {
    return this.#losses;
  }

  lost(): void {
    this.#losses += 1;
    this.#becomeSilent("lost");
  }

  hung(): void {
    this.#becomeSilent("hung");
  }

  close(): void {
    this.#closed.abort();
  }

  #becomeSilent(state: NodeState): void {
    this.#enter(state);
    void this.#probeUntilAnswered();
  }

  #enter(state: NodeState): void {
    if (this.#closed.signal.aborted) return;
    const changed = (this.#state === "answering") !== (state === "answering");
    this.#state = state;
    if (changed) this.#options.onChange(state === "answering");
  }

  async #probeUntilAnswered(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    let reconnected = performance.now();
    while (!this.#closed.signal.aborted) {
      const started = performance.now();
      const losses = this.#losses;
      const answered = await this.#options.probe();
      // An answer from before a loss says nothing of what came after it.
      if (answered && losses === this.#losses) break;
      if (performance.now() - reconnected >= this.#patienceMs()) {
        this.#losses += 1;
        this.#options.reconnect();
        reconnected = performance.now();
      }
      await this.#pause(started + this.#options.probeIntervalMs - performance.now());
    }
    this.#probing = false;
    this.#enter("answering");
  }

  #patienceMs(): number {
    return this.#state === "hung" ? this.#options.reconnectAfterMs : this.#options.connectWithinMs;
  }

  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    try {
      await delay(milliseconds, undefined, { signal: this.#closed.signal, ref: false });
    } catch {
      // Closed: the loop sees it.
    }
  }
}
