const EVERY_MS = 1_000;

/** Says how far a step is, about once a second and at its end. */
export class ProgressLines {
  readonly #write: (line: string) => void;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  readonly report = (step: string, done: number, total: number): void => {
    const now = performance.now();
    if (done < total && now - this.#saidAt < EVERY_MS) return;
    this.#saidAt = now;
    this.#write(`${step}: ${done} of ${total}`);
  };
}
