import type { InvariantName } from "../invariants/invariant-list.ts";

/** How often a invariant was looked at under one fault, and what spoke against it. */
export interface Finding {
  checks: number;
  readonly violations: string[];
}

/** The results for the invariants under one fault. */
export class Findings {
  readonly byInvariant: Partial<Record<InvariantName, Finding>> = {};

  /** Enters one look at a invariant; every text is a violation of it. */
  enter(invariant: InvariantName, violations: readonly string[]): void {
    const finding = (this.byInvariant[invariant] ??= { checks: 0, violations: [] });
    finding.checks += 1;
    finding.violations.push(...violations);
  }

  get violations(): readonly string[] {
    return Object.entries(this.byInvariant).flatMap(([invariant, { violations }]) =>
      violations.map((violation) => `${invariant}: ${violation}`),
    );
  }
}
