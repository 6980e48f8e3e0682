import * as fc from "fast-check";
import type { Happening } from "./world.ts";

const index = fc.nat(5);

function weighted(weight: number, arbitrary: fc.Arbitrary<Happening>): fc.WeightedArbitrary<Happening> {
  return { weight, arbitrary };
}

function one<const K extends Happening["kind"]>(kind: K): fc.Arbitrary<K> {
  return fc.constant(kind);
}

const ordinary = [
  weighted(40, fc.record({ kind: one("step"), choice: fc.nat(40) })),
  weighted(
    6,
    fc.record({
      kind: one("bytes"),
      node: index,
      key: index,
      up: fc.boolean(),
      bytes: fc.integer({ min: 1, max: 50 }),
    }),
  ),
  weighted(2, fc.record({ kind: one("time"), ms: fc.nat(8_000) })),
  weighted(
    1,
    fc.record({ kind: fc.constantFrom("restart" as const, "away" as const, "mark-removed" as const), node: index }),
  ),
  weighted(
    2,
    fc.record({ kind: fc.constantFrom("crash" as const, "pause" as const, "reply-lost" as const), process: index }),
  ),
];
const foreignReset = weighted(1, fc.record({ kind: one("foreign-reset"), node: index, key: index, up: fc.boolean() }));

/** What may happen in a world whose nodes nobody else resets counters on. */
export function histories(maxLength: number): fc.Arbitrary<Happening[]> {
  return fc.array(fc.oneof(...ordinary), { maxLength, size: "max" });
}

/** {@link histories} in which somebody else resets counters. */
export function historiesWithForeignResets(maxLength: number): fc.Arbitrary<Happening[]> {
  return fc.array(fc.oneof(...ordinary, foreignReset), { maxLength, size: "max" });
}
