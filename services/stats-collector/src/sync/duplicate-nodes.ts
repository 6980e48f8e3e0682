import type { Logger } from "@veil/runtime";

export interface DuplicateNodesOptions {
  /** The nodes' names at each moment, in their order: of two that lead to one process the first one is read. */
  readonly nodes: () => readonly string[];
  readonly log: Pick<Logger, "error" | "info">;
  /** Called whenever a node turns out to be another one's double, or no longer to be one. */
  readonly onDuplicate: (node: string, isDuplicate: boolean) => void;
}

/**
 * Finds nodes that lead to the same Xray process. Its bytes are counted once, by whoever it is read; read
 * under two names they would be shown twice in the totals of nodes.
 */
export class DuplicateNodes {
  readonly #options: DuplicateNodesOptions;
  readonly #marks = new Map<string, string>();
  /** The nodes whose process each of these leads to as well, as far as that is logged. */
  readonly #duplicates = new Map<string, ReadonlySet<string>>();

  constructor(options: DuplicateNodesOptions) {
    this.#options = options;
  }

  /**
   * Takes in which process a node leads to.
   *
   * @throws {DuplicateNodeError} when it is that of another node, which is read instead. That is logged once.
   */
  check(node: string, mark: string): void {
    const { log, onDuplicate } = this.#options;
    const nodes = this.#options.nodes();
    this.#marks.set(node, mark);
    // One that is leaving comes after all that stay.
    const before = nodes.includes(node) ? nodes.slice(0, nodes.indexOf(node)) : nodes;
    const other = before.find((name) => this.#marks.get(name) === mark);
    if (other === undefined) {
      if (!this.#duplicates.delete(node)) return;
      log.info({ node }, "the node leads to a process of its own");
      onDuplicate(node, false);
      return;
    }
    const known = this.#duplicates.get(node);
    if (known?.has(other) !== true)
      log.error({ node, other }, "two nodes lead to the same Xray process; take one of them out");
    if (known === undefined) onDuplicate(node, true);
    this.#duplicates.set(node, new Set([...(known ?? []), other]));
    throw new DuplicateNodeError(node, other);
  }

  /** Takes in that a node can't be read: which process it leads to is not known. */
  forget(node: string): void {
    this.#marks.delete(node);
  }

  /** Takes in that a node is no more. */
  leave(node: string): void {
    this.#marks.delete(node);
    this.#duplicates.delete(node);
  }
}

/** Thrown when a node leads to the process of another one, so that its bytes are read there. */
export class DuplicateNodeError extends Error {
  override readonly name = "DuplicateNodeError";
  readonly node: string;
  /** The node that is read instead. */
  readonly other: string;

  constructor(node: string, other: string) {
    super(`node ${node} leads to the same Xray process as node ${other}`);
    this.node = node;
    this.other = other;
  }
}
