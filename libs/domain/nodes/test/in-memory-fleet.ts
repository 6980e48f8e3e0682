import {
  type Fleet,
  type FleetEvent,
  type FleetOutbox,
  type FleetStore,
  type FleetUpdate,
  inOrder,
} from "../src/index.ts";

/** The fleet in one process. */
export class InMemoryFleet implements FleetStore, FleetOutbox {
  #fleet: Fleet | null;
  #events: FleetEvent[] = [];
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

  async save(
    before: Fleet | null,
    { nodes = before?.nodes ?? [], hosts = before?.hosts ?? [], events = [] }: FleetUpdate,
  ): Promise<"saved" | "outdated"> {
    await this.beforeStep();
    if ((this.#fleet?.revision ?? 0) !== (before?.revision ?? 0)) return "outdated";
    this.#fleet = { revision: (before?.revision ?? 0) + 1, nodes: inOrder(nodes), hosts };
    this.#events.push(...events);
    return "saved";
  }

  async pending(): Promise<readonly FleetEvent[]> {
    await this.beforeStep();
    return this.#events.toSorted((a, b) => a.revision - b.revision);
  }

  async mark(ids: readonly string[]): Promise<void> {
    await this.beforeStep();
    this.#events = this.#events.filter(({ id }) => !ids.includes(id));
  }
}
