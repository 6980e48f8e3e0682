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
const counterReset = weighted(1, fc.record({ kind: one("counter-reset"), node: index, key: index, up: fc.boolean() }));

/** All that may happen in a world whose nodes nobody else resets counters on. */
export function histories(maxLength: number): fc.Arbitrary<Happening[]> {
  return fc.array(fc.oneof(...ordinary), { maxLength, size: "max" });
}

/** {@link histories} in which somebody else resets counters. */
export function historiesWithCounterResets(maxLength: number): fc.Arbitrary<Happening[]> {
  return fc.array(fc.oneof(...ordinary, counterReset), { maxLength, size: "max" });
}

/** {@link histories} in which the multipliers of nodes change. */
export function historiesWithMultipliers(maxLength: number, multipliers: readonly number[]): fc.Arbitrary<Happening[]> {
  const multiplier = fc.constantFrom(...multipliers);
  const changed = weighted(2, fc.record({ kind: one("multiplier"), node: index, multiplier }));
  return fc.array(fc.oneof(...ordinary, changed), { maxLength, size: "max" });
}

/** {@link histories} in which nodes are renamed, moved, swapped and listed twice, while older settings are still in use. */
export function historiesWithNewSettings(maxLength: number): fc.Arbitrary<Happening[]> {
  const settings = weighted(1, fc.record({ kind: one("settings"), choice: fc.nat(20) }));
  const crash = weighted(2, fc.record({ kind: one("crash"), process: index }));
  return fc.array(fc.oneof(...ordinary, settings, crash), { maxLength, size: "max" });
}

/**
 * A refresh of the first key fails as the reply to its write is lost, the refresh of the second one goes on beside the next
 * operation, and the node restarts before it has written what it read.
 */
export function refreshLeftBehind(): Happening[] {
  return [
    { kind: "pause", process: 1 },
    { kind: "pause", process: 2 },
    ...steps(81, OLDEST),
    { kind: "reply-lost", process: 0 },
    ...steps(6, OLDEST),
    ...steps(5, NEWEST),
    { kind: "bytes", node: 0, key: 1, up: true, bytes: 1 },
    ...steps(11, OLDEST),
    ...steps(6, NEWEST),
    { kind: "restart", node: 0 },
  ];
}

/** The second collector has added the new process to the name's lives, and has written nothing that it read of it. */
const ADDED_STEPS = 60;
/** The second collector has also written what it read. */
const READ_STEPS = 120;

/**
 * Two collectors know one name for two processes: the second one has taken newer settings. The process that it leads to
 * under these restarts, and then the first collector reads the other process.
 */
export function nameOfTwoProcesses(written: "added" | "read"): Happening[] {
  const moved = { kind: "bytes", key: 1, up: true } as const;
  return [
    ...[1, 2, 3, 4, 5].map((process) => ({ kind: "pause" as const, process })),
    { ...moved, node: 0, bytes: 30 },
    { ...moved, node: 1, bytes: 50 },
    ...steps(200, OLDEST),
    { kind: "settings", choice: 3 },
    { kind: "crash", process: 1 },
    { kind: "pause", process: 0 },
    ...steps(written === "added" ? ADDED_STEPS : READ_STEPS, OLDEST),
    { kind: "pause", process: 1 },
    { kind: "restart", node: 1 },
    { kind: "time", ms: 8_000 },
    { ...moved, node: 1, bytes: 90 },
    { kind: "away", node: 1 },
    { kind: "pause", process: 0 },
    ...steps(150, OLDEST),
    { kind: "pause", process: 0 },
    { kind: "away", node: 1 },
    { kind: "pause", process: 1 },
    ...steps(200, OLDEST),
  ];
}

/** Of the calls that wait, the one that has waited longest. */
const OLDEST = 0;
/** Of up to four calls that wait, the one that came last. */
const NEWEST = 11;

function steps(count: number, choice: number): Happening[] {
  return Array.from({ length: count }, () => ({ kind: "step", choice }));
}
