import { type Fleet, type FleetStore, inOrder } from "../src/index.ts";

/** The fleet in one process. */
export class InMemoryFleet implements FleetStore {
  #fleet: Fleet | null;
  /** Runs before every step; throwing makes it fail. */
  beforeStep: () => Promise<void> = async () => undefined;

  constructor(fleet: Fleet | null = null) {
    this.#fleet = fleet;
  }

  async revision(): Promise<number> {
    await this.beforeStep();
    return this.#fleet?.revision ?? 0;
  }

  async read(): Promise<Fleet | null> {
    await this.beforeStep();
    return this.#fleet;
  }

  async save(before: Fleet | null, { nodes }: Omit<Fleet, "revision">): Promise<"saved" | "outdated"> {
    await this.beforeStep();
    if ((this.#fleet?.revision ?? 0) !== (before?.revision ?? 0)) return "outdated";
    this.#fleet = { revision: (before?.revision ?? 0) + 1, nodes: inOrder(nodes) };
    return "saved";
  }
}
