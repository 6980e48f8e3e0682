import type { BenchTestbed, BenchTestbedOptions } from "../testbed/bench-testbed.ts";
import { startBenchTestbed } from "../testbed/start-bench-testbed.ts";
import type { Engines } from "../testbed/start-engines.ts";

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

/** The common ground of the cases: engines, and testbeds of certain sizes that one case hands on to the next. */
export class Bench {
  readonly #options: BenchOptions;
  readonly #testbeds = new Map<string, BenchTestbed>();

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
  async testbed(options: BenchTestbedOptions): Promise<BenchTestbed> {
    const kind = `${options.keys}${options.metered === true ? " metered" : ""}`;
    const running = this.#testbeds.get(kind);
    if (running !== undefined) return running;
    this.say(`  starting a system with ${options.keys} keys`);
    const testbed = await startBenchTestbed(options, this.engines, this.#options.profileDir);
    this.#testbeds.set(kind, testbed);
    return testbed;
  }

  async endTestbeds(): Promise<void> {
    const testbeds = [...this.#testbeds.values()];
    this.#testbeds.clear();
    for (const testbed of testbeds) await testbed.stop();
  }
}
