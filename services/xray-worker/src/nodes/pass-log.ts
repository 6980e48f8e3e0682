import type { PassReason, PassResult } from "@veil/reconciler";
import type { Logger } from "@veil/runtime";

/** A pass that has ended well. */
export interface LoggedPass {
  readonly node: string;
  readonly reason: PassReason;
  readonly found: Pick<PassResult, "drift" | "braked" | "rebuilds" | "postponed">;
  readonly durationMs: number;
}

/**
 * Logs what the passes over one node find. Users that one can't repair, as those of a node that takes none, are found by each: they are
 * logged once, until one leaves nobody to the next.
 */
export class PassLog {
  readonly #log: Pick<Logger, "debug" | "info" | "warn">;
  #isUnrepaired = false;

  constructor(log: Pick<Logger, "debug" | "info" | "warn">) {
    this.#log = log;
  }

  tell({ node, reason, found, durationMs }: LoggedPass): void {
    const { postponed, rebuilds, braked } = found;
    const { missing, wrong, orphans } = found.drift;
    const drift = { missing: missing.length, wrong: wrong.length, orphans: orphans.length };
    const differing = drift.missing + drift.wrong + drift.orphans;
    const wasUnrepaired = this.#isUnrepaired;
    this.#isUnrepaired = postponed > 0;
    const isDrift = differing > 0 && !braked;
    const isKnown = wasUnrepaired && postponed >= differing;
    const isOver = wasUnrepaired && postponed === 0;
    const level = isDrift && !isKnown ? (reason === "regrouped" ? "info" : "warn") : isOver ? "info" : "debug";
    this.#log[level]({ node, reason, ...drift, rebuilds, postponed, durationMs }, "reconciled");
  }
}
