import type { PromiseName } from "../promises/promise-list.ts";

/** How often a promise was looked at under one fault, and what spoke against it. */
export interface Finding {
  checks: number;
  readonly violations: string[];
}

/** What came out for the promises under one fault. */
export class Findings {
  readonly byPromise: Partial<Record<PromiseName, Finding>> = {};

  /** Enters one look at a promise; every text is a violation of it. */
  enter(promise: PromiseName, violations: readonly string[]): void {
    const finding = (this.byPromise[promise] ??= { checks: 0, violations: [] });
    finding.checks += 1;
    finding.violations.push(...violations);
  }

  get violations(): readonly string[] {
    return Object.entries(this.byPromise).flatMap(([promise, { violations }]) =>
      violations.map((violation) => `${promise}: ${violation}`),
    );
  }
}
