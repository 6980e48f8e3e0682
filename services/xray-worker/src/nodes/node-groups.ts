import { LONGEST_CALL_MS, MISSING_INBOUND_WAIT_MS } from "@veil/keys";
import { type FleetNode, isSameGroups, type Place } from "@veil/nodes";
import { KNOWN_TO_ALL_MS } from "./joining-nodes.ts";

/** What of a node, or of one inbound of it, says which groups it is in. */
export interface RegroupedNode extends Pick<FleetNode, "groups" | "regroupedAt" | "formerGroups"> {
  /** Whether it was taken out, so that it holds nobody for good. */
  readonly isLeaving?: boolean;
}

/** The groups of an inbound. */
export function regroupedOf({ groups, inbound }: Pick<Place, "groups" | "inbound">): RegroupedNode {
  const { regroupedAt, formerGroups, isLeaving } = inbound;
  return { groups, regroupedAt, formerGroups, isLeaving };
}

/**
 * So long after a change of a node's groups nobody adds users there any more because of those that it was in before: by then
 * every worker knows of it, and what one had begun is through.
 */
export const REGROUPED_FOR_ALL_MS = KNOWN_TO_ALL_MS + MISSING_INBOUND_WAIT_MS + LONGEST_CALL_MS;

/** The groups of one node, which change while a worker runs, and what this worker knows of the users there. */
export class NodeGroups {
  #node: RegroupedNode;
  #names: readonly string[];
  #isSettled = false;
  /** Whether a pass is still to come that begins once nobody adds users because of earlier groups. */
  #isLastPassOpen = true;

  /** @param node as it was opened; what it holds is not known then @param now milliseconds since the epoch */
  constructor(node: RegroupedNode, now: number) {
    this.#node = node;
    this.#names = namesAt(node, now);
  }

  /**
   * The groups whose keys are added to the node. One that is new counts only once every worker knows of it: whoever deletes a key
   * meanwhile would not ask the node for it.
   */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Whether it was taken out. */
  get isLeaving(): boolean {
    return this.#node.isLeaving === true;
  }

  /** Whether a pass has made sure that the node holds users of these groups alone. Otherwise it may hold any. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** @returns whether the node should hold others than before */
  follow(node: RegroupedNode, now: number): boolean {
    if (!isSameGroups(node.groups, this.#node.groups) || node.regroupedAt !== this.#node.regroupedAt) {
      this.#isSettled = false;
      this.#isLastPassOpen = true;
    }
    this.#node = node;
    return this.become(now);
  }

  /** @returns whether a new group counts from now on */
  become(now: number): boolean {
    const names = namesAt(this.#node, now);
    if (isSameGroups(names, this.#names)) return false;
    this.#names = names;
    return true;
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
   * @param listedAt when the node's users were last listed; milliseconds since the epoch
   * @param isClean whether it left nothing to be repaired
   */
  passed(names: readonly string[], listedAt: number, isClean: boolean): void {
    const isLast = listedAt >= this.#node.regroupedAt + REGROUPED_FOR_ALL_MS;
    this.#isSettled = isLast && isClean && isSameGroups(names, this.names);
  }

  /** The node is away: what others take out of it meanwhile stays until the next pass. */
  lost(): void {
    this.#isSettled = false;
  }
}

function namesAt({ groups, regroupedAt, formerGroups }: RegroupedNode, now: number): readonly string[] {
  const isKnownToAll = now >= regroupedAt + KNOWN_TO_ALL_MS;
  return isKnownToAll ? groups : groups.filter((group) => formerGroups.includes(group));
}
