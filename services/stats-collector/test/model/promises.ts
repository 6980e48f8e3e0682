import { expect } from "vitest";
import { type Happening, World, type WorldOptions } from "./world.ts";

/** What a byte of a key may count as. */
export interface Multipliers {
  readonly smallest: number;
  readonly largest: number;
  /** By how many bytes figures may be rounded. */
  readonly rounding: number;
}

const PLAIN: Multipliers = { smallest: 1, largest: 1, rounding: 0 };

/** Lets a history happen and everything come to rest. */
export async function live(history: readonly Happening[], options: WorldOptions): Promise<World> {
  const world = new World(options);
  for (const happening of history) await world.apply(happening);
  await world.finish();
  expect(world.failures).toEqual([]);
  expect(new Set(world.resets.map(({ job }) => job))).toEqual(new Set(options.resetJobs));
  return world;
}

/** Never more than was moved, never less than was moved and not lost with a process; for keys and for nodes. */
export async function expectEveryByteOnce(world: World, multipliers?: Multipliers): Promise<void> {
  await expectKeysOnce(world, multipliers);
  for (const node of world.nodes) {
    const { up, down } = await world.shownByNode(node);
    expect(up + down).toBeLessThanOrEqual(world.moved(null, [node]));
    expect(up + down).toBeGreaterThanOrEqual(world.moved(null, [node]) - world.lost(null, [node]));
  }
}

/** The same for keys alone. */
export async function expectKeysOnce(world: World, multipliers: Multipliers = PLAIN): Promise<void> {
  for (const keyId of [1, 2]) {
    const { up, down } = await world.shown(keyId);
    const answered = keyId === 1 ? sumOfAnswers(world) : 0;
    const written = world.moved(keyId) - world.lost(keyId);
    expect(up + down + answered).toBeLessThanOrEqual(multipliers.largest * world.moved(keyId) + multipliers.rounding);
    expect(up + down + answered).toBeGreaterThanOrEqual(multipliers.smallest * written - multipliers.rounding);
  }
}

/** What everybody goes on to count is multiplied as it is said now. */
export async function expectMultiplied(world: World, multiplier: number): Promise<void> {
  for (const node of [0, 1]) await world.apply({ kind: "multiplier", node, multiplier });
  // Until everybody knows.
  await world.finish();
  const before = await world.shown(1);
  for (const node of [0, 1]) await world.apply({ kind: "bytes", node, key: 0, up: true, bytes: 1_000 });
  await world.finish();
  expect(await world.shown(1)).toEqual({ up: before.up + multiplier * 2_000, down: before.down });
}

/** All runs of a job answer the same, and only what moved after a reset shows. */
export async function expectExactResets(world: World): Promise<void> {
  const { up, down } = await world.shown(1);
  for (const reset of world.resets) {
    expect(reset.previous).toBeGreaterThanOrEqual(0);
    expect(world.resets.filter(({ job }) => job === reset.job).map(({ previous }) => previous)).toEqual(
      world.resets.filter(({ job }) => job === reset.job).map(() => reset.previous),
    );
    expect(up + down).toBeLessThanOrEqual(world.moved(1) - reset.movedWhenAsked);
  }
  expect(up + down).toBeGreaterThanOrEqual(leastAfterResets(world));
}

/** Nothing is counted twice, whoever reset counters, and everybody goes on counting. */
export async function expectCountsOn(world: World): Promise<void> {
  const before = await world.shown(1);
  expect(before.up + before.down + sumOfAnswers(world)).toBeLessThanOrEqual(world.moved(1));
  for (const node of [0, 1]) await world.apply({ kind: "bytes", node, key: 0, up: true, bytes: 1_000 });
  await world.finish();
  expect(await world.shown(1)).toEqual({ up: before.up + 2_000, down: before.down });
}

function sumOfAnswers(world: World): number {
  const byJob = new Map(world.resets.map(({ job, previous }) => [job, previous]));
  return [...byJob.values()].reduce((sum, previous) => sum + previous, 0);
}

/** The bytes that moved after the last answer without being lost. */
function leastAfterResets(world: World): number {
  const last = world.resets.at(-1);
  if (last === undefined) return 0;
  return world.moved(1) - last.movedWhenAnswered - (world.lost(1) - last.lostWhenAnswered);
}
