/** One counter of Xray, byte by byte: with which multipliers collectors may have booked each. */
export class ReferenceCounter {
  readonly #lives = [new CounterLife()];

  /** The life that goes on. A slow collector may book what it read in an earlier one. */
  get current(): CounterLife {
    return this.#lives.at(-1) ?? this.restart();
  }

  /** The counter begins at zero. */
  restart(): CounterLife {
    const life = new CounterLife();
    this.#lives.push(life);
    return life;
  }

  /** All bytes that were surely written, each with the smallest multiplier that it may have been booked with. */
  get least(): number {
    return this.#lives.reduce((sum, life) => sum + life.least, 0);
  }

  /** All bytes that anybody read, each with the largest one. */
  get most(): number {
    return this.#lives.reduce((sum, life) => sum + life.most, 0);
  }
}

/** A counter from one zero to the next. */
export class CounterLife {
  /** By byte, in tenths. */
  readonly #smallest: number[] = [];
  readonly #largest: number[] = [];
  /** Where the ledger's generations began, by their numbers. */
  readonly #begun = new Map<number, number>();
  #written = 0;

  /** A collector books what it read: in a generation that goes on, all that this one has may be booked with its multiplier. */
  book(generation: number, { from, to }: { readonly from: number; readonly to: number }, multiplier: number): void {
    const begun = Math.min(from, this.#begun.get(generation) ?? from);
    this.#begun.set(generation, begun);
    const tenths = Math.round(multiplier * 10);
    for (let byte = begun; byte < to; byte += 1) {
      this.#smallest[byte] = Math.min(tenths, this.#smallest[byte] ?? tenths);
      this.#largest[byte] = Math.max(tenths, this.#largest[byte] ?? tenths);
    }
  }

  /** All bytes before this one are in the ledger. */
  write(to: number): void {
    this.#written = Math.max(this.#written, to);
  }

  get least(): number {
    return allOf(this.#smallest.slice(0, this.#written)) / 10;
  }

  get most(): number {
    return allOf(this.#largest) / 10;
  }
}

/** A byte that nobody booked is a gap, and counts as nothing. */
function allOf(tenths: readonly (number | undefined)[]): number {
  let all = 0;
  for (const one of tenths) all += one ?? 0;
  return all;
}
