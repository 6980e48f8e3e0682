import pLimit, { type LimitFunction } from "p-limit";

/**
 * Lets those who remove many users from a node do so one after the other: each has all the calls that may be under way for this,
 * and the node's rules about removed users are made and taken away by one at a time.
 */
export class RemovalQueues {
  readonly #queues = new Map<string, LimitFunction>();

  /** Runs the task when those of before are done with the node. */
  run<T>(node: string, task: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(node) ?? pLimit(1);
    this.#queues.set(node, queue);
    return queue(task);
  }
}
