import { LONGEST_CALL_MS, MISSING_INBOUND_WAIT_MS } from "@veil/keys";
import { type FleetNode, isSameGroups } from "@veil/nodes";
import { KNOWN_TO_ALL_MS } from "./joining-nodes.ts";

/** What of a node says which groups it is in. */
export type RegroupedNode = Pick<FleetNode, "groups" | "regroupedAt">;

/**
 * So long after a change of a node's groups nobody adds users there any more because of those that it was in before: by then
 * every worker knows of it, and what one had begun is through.
 */
export const REGROUPED_FOR_ALL_MS = KNOWN_TO_ALL_MS + MISSING_INBOUND_WAIT_MS + LONGEST_CALL_MS;

/** The groups of one node, which change while a worker runs, and what this worker knows of the users there. */
export class NodeGroups {
  #node: RegroupedNode;
  #isSettled = false;
  /** Whether a pass is still to come that begins once nobody adds users because of earlier groups. */
  #isLastPassOpen = true;

  /** @param node as it was opened; what it holds is not known then */
  constructor(node: RegroupedNode) {
    this.#node = node;
  }

  get names(): readonly string[] {
    return this.#node.groups;
  }

  /** Whether a pass has made sure that the node holds users of these groups alone. Otherwise it may hold any. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** @returns whether its groups are others than before */
  follow(node: RegroupedNode): boolean {
    const isOther = !isSameGroups(node.groups, this.names);
    if (isOther || node.regroupedAt !== this.#node.regroupedAt) {
      this.#isSettled = false;
      this.#isLastPassOpen = true;
    }
    this.#node = node;
    return isOther;
  }

  /** Whether the last pass because of a change is due, which finds what was added late. True once. */
  isLastPassDue(now: number): boolean {
    const { regroupedAt } = this.#node;
    if (!this.#isLastPassOpen || now < regroupedAt + REGROUPED_FOR_ALL_MS) return false;
    this.#isLastPassOpen = false;
    return now < regroupedAt + 2 * REGROUPED_FOR_ALL_MS;
  }

  /**
   * A pass has ended.
   *
   * @param names the groups that it knew of
   * @param begunAt milliseconds since the epoch
   * @param isClean whether it left nothing to be repaired
   */
  passed(names: readonly string[], begunAt: number, isClean: boolean): void {
    const isLast = begunAt >= this.#node.regroupedAt + REGROUPED_FOR_ALL_MS;
    this.#isSettled = isLast && isClean && isSameGroups(names, this.names);
  }

  /** The node is away: what others take out of it meanwhile stays until the next pass. */
  lost(): void {
    this.#isSettled = false;
  }
}
