import { LONGEST_CALL_MS, MISSING_INBOUND_WAIT_MS } from "@veil/keys";
import { type FleetNode, isSameGroups, KNOWN_TO_ALL_MS, type Place, versionOfPlace } from "@veil/nodes";
import type { Clock } from "@veil/runtime";

/** The part of a node, or of one of its inbounds, that says which groups it is in. */
export interface RegroupedNode extends Pick<FleetNode, "groups" | "regroupedAt" | "formerGroups"> {
  /** Whether it was taken out, so that it holds nobody for good. */
  readonly isLeaving?: boolean;
  /** See {@link versionOfPlace}. */
  readonly version: string;
}

/** The groups of an inbound. */
export function regroupedOf(place: Place): RegroupedNode {
  const { regroupedAt, formerGroups, isLeaving } = place.inbound;
  return { groups: place.groups, regroupedAt, formerGroups, isLeaving, version: versionOfPlace(place) };
}

/**
 * So long after a change of a node's groups nobody adds users there any more because of those that it was in before: by then
 * every worker knows of it, and what one had begun is through.
 */
export const REGROUPED_FOR_ALL_MS = KNOWN_TO_ALL_MS + MISSING_INBOUND_WAIT_MS + LONGEST_CALL_MS;

/**
 * The groups of one node, which change while a worker runs, and what this worker knows of the users there.
 *
 * When a change was made is worked out once, as the worker learns of it, and goes on by the monotonic clock: the time of day may be
 * set back meanwhile, and what counted once would not count any more.
 */
export class NodeGroups {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  #node: RegroupedNode;
  /** When its groups changed last, by the monotonic clock; of a change that is dated in the future, when it was heard of. */
  #regroupedAt: number;
  #isCertain: boolean;
  #names: readonly string[];
  #isSettled = false;
  /** Whether a pass is still to come that begins once nobody adds users because of earlier groups. */
  #isLastPassOpen = true;

  /** @param node as it was opened; what it holds is not known then */
  constructor(node: RegroupedNode, clock: Pick<Clock, "now" | "monotonic">) {
    this.#clock = clock;
    this.#node = node;
    const age = this.#ageOf(node);
    this.#isCertain = age >= 0;
    this.#regroupedAt = clock.monotonic() - Math.max(0, age);
    this.#names = this.#namesNow();
  }

  /**
   * The groups whose keys are added to the node. One that is new counts only once every worker knows of it: whoever deletes a key
   * meanwhile would not ask the node for it.
   */
  get names(): readonly string[] {
    return this.#names;
  }

  /**
   * False while nobody can say whether every worker knows of the groups that it was opened with, as their change is dated in
   * the future: the time of day was set back since. Users who are there because of them stay meanwhile.
   */
  get isCertain(): boolean {
    return this.#isCertain;
  }

  /** What tells passes over this node, as it is, from those over an earlier one of its name. */
  get version(): string {
    return this.#node.version;
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
  follow(node: RegroupedNode): boolean {
    const isDatedAnew = node.regroupedAt !== this.#node.regroupedAt;
    if (isDatedAnew || !isSameGroups(node.groups, this.#node.groups)) {
      this.#isSettled = false;
      this.#isLastPassOpen = true;
    }
    if (isDatedAnew) this.#regroupedAt = this.#clock.monotonic() - Math.max(0, this.#ageOf(node));
    this.#node = node;
    return this.become();
  }

  /** @returns whether a new group counts from now on */
  become(): boolean {
    const names = this.#namesNow();
    if (isSameGroups(names, this.#names)) return false;
    this.#names = names;
    return true;
  }

  /** Whether the last pass because of a change is due, which finds what was added late. True once. */
  isLastPassDue(): boolean {
    const age = this.#clock.monotonic() - this.#regroupedAt;
    if (!this.#isLastPassOpen || age < REGROUPED_FOR_ALL_MS) return false;
    this.#isLastPassOpen = false;
    return age < 2 * REGROUPED_FOR_ALL_MS;
  }

  /**
   * A pass has ended.
   *
   * @param names the groups that it knew of
   * @param listedAt when the node's users were last listed, by the monotonic clock
   * @param isClean whether it left nothing to be repaired
   */
  passed(names: readonly string[], listedAt: number, isClean: boolean): void {
    const isLast = listedAt >= this.#regroupedAt + REGROUPED_FOR_ALL_MS;
    this.#isSettled = isLast && isClean && isSameGroups(names, this.names);
  }

  /** The node is away: what others take out of it meanwhile stays until the next pass. */
  lost(): void {
    this.#isSettled = false;
  }

  #namesNow(): readonly string[] {
    const { groups, formerGroups } = this.#node;
    const isKnownToAll = this.#clock.monotonic() >= this.#regroupedAt + KNOWN_TO_ALL_MS;
    if (isKnownToAll) this.#isCertain = true;
    return isKnownToAll ? groups : groups.filter((group) => formerGroups.includes(group));
  }

  /** How long ago its groups changed, by the time of day; negative when that lies in the future. */
  #ageOf({ regroupedAt }: RegroupedNode): number {
    return this.#clock.now() - regroupedAt;
  }
}
