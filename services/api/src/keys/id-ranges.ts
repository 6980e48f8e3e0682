/** A set of ascending ids, kept as ranges: neighbouring ids cost nothing. */
export class IdRanges {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** @param id greater than all before it */
  add(id: number): void {
    const last = this.#ends.length - 1;
    if (last >= 0 && this.#ends[last] === id - 1) this.#ends[last] = id;
    else {
      this.#starts.push(id);
      this.#ends.push(id);
    }
  }

  has(id: number): boolean {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? Number.POSITIVE_INFINITY) <= id) low = middle + 1;
      else high = middle;
    }
    return low > 0 && id <= (this.#ends[low - 1] ?? Number.NEGATIVE_INFINITY);
  }
}
