import { isSameGroups } from "@veil/nodes";
import type { ChangePosition, ChangeReader, GroupedNode, HandledKey, KeyStore } from "@veil/keys";
import type { Clock } from "@veil/runtime";

export interface UnclearedKeysOptions {
  readonly store: Pick<KeyStore, "findUncleared">;
  readonly changes: ChangeReader;
  readonly clock: Pick<Clock, "monotonic">;
  /** After so long all keys are looked at, whatever was noted. Milliseconds. */
  readonly lookAtAllEveryMs: number;
}

/** So many keys are looked at by their ids; with more of them all are. */
const MOST_KEYS = 200;

/** The result of an earlier look. */
interface Look {
  /** The nodes that it was for, as they were. */
  readonly nodes: readonly GroupedNode[];
  /** When all keys were looked at, by the monotonic clock. */
  readonly allAt: number;
  readonly position: ChangePosition;
  readonly open: readonly number[];
}

/**
 * Finds the keys that are not cleared among those that were written since the last look, and those that were open then:
 * most databases read all keys to find them.
 */
export class UnclearedKeys implements Pick<KeyStore, "findUncleared"> {
  readonly #options: UnclearedKeysOptions;
  #last: Look | null = null;

  constructor(options: UnclearedKeysOptions) {
    this.#options = options;
  }

  async findUncleared(nodes: readonly GroupedNode[], now: number): Promise<HandledKey[]> {
    const last = this.#last;
    const noted = last === null || this.#isOld(last, nodes) ? null : await this.#noted(last);
    if (last === null || noted === null) return this.#lookAtAll(nodes, now);
    const { store } = this.#options;
    const among = [...new Set([...last.open, ...noted.keyIds])];
    const found = among.length === 0 ? [] : await store.findUncleared(nodes, now, among);
    this.#last = { ...last, position: noted.position, open: found.map(({ keyId }) => keyId) };
    return found;
  }

  /** A node that was not asked for, or that was in other groups, may hold what nobody has written about since. */
  #isOld(last: Look, nodes: readonly GroupedNode[]): boolean {
    const age = this.#options.clock.monotonic() - last.allAt;
    return (
      age >= this.#options.lookAtAllEveryMs ||
      nodes.some((node) => !last.nodes.some((other) => isSameNode(node, other)))
    );
  }

  async #noted({ position, open }: Look) {
    if (open.length > MOST_KEYS) return null;
    const noted = await this.#options.changes.since(position, MOST_KEYS);
    return noted.keyIds === null ? null : { position: noted.position, keyIds: noted.keyIds };
  }

  async #lookAtAll(nodes: readonly GroupedNode[], now: number): Promise<HandledKey[]> {
    const { store, changes, clock } = this.#options;
    const allAt = clock.monotonic();
    const position = await changes.position();
    const found = await store.findUncleared(nodes, now);
    this.#last = {
      nodes: nodes.map(({ name, groups }) => ({ name, groups })),
      allAt,
      position,
      open: found.map(({ keyId }) => keyId),
    };
    return found;
  }
}

function isSameNode(one: GroupedNode, other: GroupedNode): boolean {
  return one.name === other.name && isSameGroups(one.groups, other.groups);
}
