import * as fc from "fast-check";
import type { TermsChange } from "../src/terms/change-terms.ts";
import { trafficResets } from "../src/terms/key-terms.ts";

const HOUR_S = 3_600;

/** Seconds from a minute to three months, most of them short enough to run out within a history. */
const spans = fc.oneof(fc.integer({ min: 60, max: 3 * HOUR_S }), fc.integer({ min: HOUR_S, max: 90 * 24 * HOUR_S }));

/** Changes as callers make them, sensible for a key that was made at a moment, in unix seconds, or not. */
export function changes(since: number): fc.Arbitrary<TermsChange> {
  const moments = fc.option(
    spans.map((span) => since + span - HOUR_S),
    { nil: null },
  );
  const settings = fc.record(
    {
      enabled: fc.boolean(),
      expiresAt: moments,
      trafficLimit: fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: null }),
      trafficReset: fc.constantFrom(...trafficResets),
      holdFor: fc.option(spans, { nil: null }),
      holdUntil: moments,
      note: fc.constantFrom("one", "two"),
    },
    { requiredKeys: [] },
  );
  return fc.record(
    {
      set: settings,
      extendSeconds: spans.chain((span) => fc.constantFrom(span, -span)),
      resetTraffic: fc.boolean(),
    },
    { requiredKeys: [] },
  );
}

/** The things that may happen to a key: a change, bytes that are counted, a reset of the ledger, time, a look of a worker. */
export function happenings(since: number) {
  return fc.oneof(
    { weight: 4, arbitrary: changes(since).map((change) => ({ kind: "change", change }) as const) },
    { weight: 3, arbitrary: fc.nat(3_000).map((bytes) => ({ kind: "bytes", bytes }) as const) },
    { weight: 1, arbitrary: fc.constant({ kind: "ledger-reset" } as const) },
    { weight: 4, arbitrary: spans.map((seconds) => ({ kind: "time", seconds }) as const) },
    { weight: 3, arbitrary: fc.constant({ kind: "look" } as const) },
  );
}
