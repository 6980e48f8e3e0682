import pLimit, { type LimitFunction } from "p-limit";

/**
 * Lets those who remove many users from a node do so one after the other: each has all the calls that may be under way for this,
 * and the node's rules about removed users are made and taken away by one at a time.
 */
export class RemovalTurns {
  readonly #turns = new Map<string, LimitFunction>();

  /** Waits for a turn at a node, and has it until the task ends. */
  take<T>(node: string, task: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(node) ?? pLimit(1);
    this.#turns.set(node, turn);
    return turn(task);
  }
}
