import { groupsMeet } from "@veil/keys";
import type { RegroupedNode } from "./real-services.ts";
import { Random } from "./random.ts";
import type { World } from "./world.ts";

const NODE_GROUPS: readonly (readonly string[])[] = [["default"], ["vip"], ["default", "vip"], []];
const KEY_GROUPS: readonly (readonly string[])[] = [["default"], ["vip"], ["default", "vip"], ["nobody"]];
/** How often an operator changes groups, by steps of a history. */
const REGROUPED = 0.004;
/** Until then workers learn of it, and pass over the node again should some have learned late. */
const SETTLED_AFTER_MS = 20_000;

/**
 * The groups of the nodes, which an operator changes while everything else goes on. Their randomness comes from a
 * stream of its own, so that histories without groups are what they would be otherwise.
 */
export class ModelFleet {
  /** Whether there are groups beside the default one. */
  readonly isGrouped: boolean;
  readonly #world: World;
  readonly #random: Random;
  readonly #nodes = new Map<string, RegroupedNode>();

  /** @param seed that of the history; null for one without groups */
  constructor(world: World, nodes: readonly string[], seed: number | null) {
    this.#world = world;
    this.#random = new Random((seed ?? 0) + 1_000_003);
    this.isGrouped = seed !== null && this.#random.chance(0.6);
    for (const node of nodes) {
      const groups = this.isGrouped ? this.#random.pick(NODE_GROUPS) : ["default"];
      this.#nodes.set(node, { groups, regroupedAt: 0, formerGroups: groups, version: "1" });
    }
  }

  /** Whether every worker has made the nodes follow the last change of their groups, as long as nothing else goes wrong. */
  get isSettled(): boolean {
    return [...this.#nodes.keys()].every((name) => this.isKnownToAll(name));
  }

  /** Whether every worker knows the groups of a node, and has made it follow them. */
  isKnownToAll(name: string): boolean {
    return this.#world.now > this.node(name).regroupedAt + SETTLED_AFTER_MS;
  }

  node(name: string): RegroupedNode {
    return this.#nodes.get(name) ?? { groups: [], regroupedAt: 0, formerGroups: [], version: "1" };
  }

  groupsOf(node: string): readonly string[] {
    return this.node(node).groups;
  }

  /** Those of the nodes that the first link of a key leads to: the first one of its groups. */
  linkedNodes(groups: readonly string[]): string[] {
    return [...this.#nodes.keys()].filter((node) => groupsMeet(groups, this.groupsOf(node))).slice(0, 1);
  }

  /** The groups that a key may be put into; null where nobody chooses. */
  someGroups(): readonly string[] | null {
    return this.isGrouped && this.#random.chance(0.5) ? this.#random.pick(KEY_GROUPS) : null;
  }

  /** May change the groups of a node now. */
  perhaps(): void {
    if (!this.isGrouped || !this.#random.chance(REGROUPED)) return;
    const node = this.#random.pick([...this.#nodes.keys()]);
    const groups = this.#random.pick(NODE_GROUPS);
    this.#world.log(() => `node ${node} is REGROUPED: ${groups.join(" ")}`);
    const regroupedAt = this.#world.now;
    this.#nodes.set(node, { groups, regroupedAt, formerGroups: this.groupsOf(node), version: String(regroupedAt) });
  }
}
