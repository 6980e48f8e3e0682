/** How the wait for a slot ended: with a slot, past its deadline, or because all who waited were sent away. */
export type SlotWait = "held" | "late" | "sent-away";

/** A fixed number of slots, given out in the order of asking. */
export class CallSlots {
  readonly #waiting = new Set<(end: SlotWait) => void>();
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  /** Waits for a slot until `deadline`, in milliseconds of the monotonic clock. The holder gives it back with `release`. */
  acquire(deadline: number): Promise<SlotWait> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve("held");
    }
    return new Promise((resolve) => {
      const end = (how: SlotWait) => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve(how);
      };
      const timer = setTimeout(end, Math.max(0, deadline - performance.now()), "late");
      this.#waiting.add(end);
    });
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free += 1;
    else next("held");
  }

  /** Ends every wait that goes on now. */
  sendAway(): void {
    for (const end of this.#waiting) end("sent-away");
  }
}
