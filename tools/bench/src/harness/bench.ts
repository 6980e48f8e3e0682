import type { Plant, PlantOptions } from "../plant/plant.ts";
import { startPlant } from "../plant/start-plant.ts";
import type { Engines } from "../plant/start-engines.ts";

export interface BenchOptions {
  readonly engines: Engines;
  /** A smaller run that shows that everything works; its figures say little. */
  readonly quick: boolean;
  /** Rounds that count. */
  readonly rounds: number;
  /** Where the services leave their CPU profiles; null for none. */
  readonly profileDir: string | null;
  readonly say: (line: string) => void;
}

/** What the cases share: engines, and plants of certain sizes that one case hands on to the next. */
export class Bench {
  readonly #options: BenchOptions;
  readonly #plants = new Map<string, Plant>();

  constructor(options: BenchOptions) {
    this.#options = options;
  }

  get engines(): Engines {
    return this.#options.engines;
  }

  /** Rounds of a case, with the one that does not count. */
  get roundsInAll(): number {
    return this.#options.rounds + 1;
  }

  get say(): BenchOptions["say"] {
    return this.#options.say;
  }

  /** A number for the full run and one for the quick one. */
  size(full: number, quick: number): number {
    return this.#options.quick ? quick : full;
  }

  /** A running system with so many keys at its start; the one of an earlier case when it is of the same kind. */
  async plant(options: PlantOptions): Promise<Plant> {
    const kind = `${options.keys}${options.metered === true ? " metered" : ""}`;
    const running = this.#plants.get(kind);
    if (running !== undefined) return running;
    this.say(`  starting a system with ${options.keys} keys`);
    const plant = await startPlant(options, this.engines, this.#options.profileDir);
    this.#plants.set(kind, plant);
    return plant;
  }

  async endPlants(): Promise<void> {
    const plants = [...this.#plants.values()];
    this.#plants.clear();
    for (const plant of plants) await plant.stop();
  }
}
