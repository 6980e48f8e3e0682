import { isSameGroups } from "@veil/nodes";

/** The groups of one node, which change while a worker runs, and what this worker knows of the users there. */
export class NodeGroups {
  #names: readonly string[];
  #isSettled = false;

  /** @param names those of the node as it was opened; what it holds is not known then */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Whether a pass has made sure that the node holds users of these groups alone. Otherwise it may hold any. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** @returns whether they are other ones than before */
  follow(names: readonly string[]): boolean {
    if (isSameGroups(names, this.#names)) return false;
    this.#names = names;
    this.#isSettled = false;
    return true;
  }

  /** A pass has ended that knew these groups. @param isClean whether the node holds what it should by now, and nothing else */
  passed(names: readonly string[], isClean: boolean): void {
    this.#isSettled = isClean && isSameGroups(names, this.#names);
  }

  /** The node is away: what others take out of it meanwhile stays until the next pass. */
  lost(): void {
    this.#isSettled = false;
  }
}
