import { type Baseline, type Direction, type EntryId, formatEntryId } from "./model.ts";
import { type Multiplied, PLAIN_MULTIPLIER } from "./multiplied.ts";
import type { GenerationStart } from "./traffic-record.ts";

/** The generations that events of a record have begun. */
export interface Begun {
  /** What began them, in order; of those that began the same one, those that count. */
  readonly starts: readonly GenerationStart[];
  /** How the bytes of entries count, by {@link growthName}; nothing of those of which each byte counts as one. */
  readonly multiplied: ReadonlyMap<string, Multiplied>;
}

const NOTHING: ReadonlyMap<string, Multiplied> = new Map();

/**
 * Works out how the bytes of each generation count. One that a counter reset begins counts as the one before did, and starts a
 * run of its own; one that a multiplier begins goes on in the run of the one before, unless that has been folded.
 *
 * @param held the events that hold, in their order
 * @param folded the baseline of the record as it is stored. Only compaction notes how bytes of the baseline's own generation
 *   count; nothing before that generation counts any more.
 */
export function generationsBegun(held: readonly GenerationStart[], folded: Baseline): Begun {
  // Nearly every record: nothing is looked up then.
  if (held.every(({ kind }) => kind === "counter-reset")) return { starts: held, multiplied: NOTHING };
  const multiplied = new Map<string, Multiplied>();
  const begunBy = new Map<string, GenerationStart["kind"]>();
  const starts: GenerationStart[] = [];
  for (const start of held) {
    const name = growthName(start, start.direction);
    const earlier = begunBy.get(name);
    // Prepared together with one that does not hold, and beside one that does: it does not know of that one.
    if (earlier !== undefined && (earlier === "multiplier-change" || start.kind === "multiplier-change")) continue;
    begunBy.set(name, start.kind);
    starts.push(start);
    const id = { node: start.node, epoch: start.epoch, generation: start.generation - 1 };
    const before = multiplied.get(growthName(id, start.direction)) ?? plain(id);
    if (start.kind === "counter-reset") {
      for (let generation = before.run; generation <= id.generation; generation += 1) {
        const ended = growthName({ ...id, generation }, start.direction);
        const growth = multiplied.get(ended);
        if (growth !== undefined) multiplied.set(ended, { ...growth, to: start.closedAt });
      }
      if (before.multiplier !== PLAIN_MULTIPLIER) {
        multiplied.set(name, { run: start.generation, from: 0, multiplier: before.multiplier });
      }
      continue;
    }
    const base = folded[start.node];
    const isFirst = base?.epoch === start.epoch && base[start.direction].generation >= start.generation;
    if (!isFirst) multiplied.set(growthName(id, start.direction), before);
    const run = isFirst ? start.generation : before.run;
    multiplied.set(name, { run, from: start.from, multiplier: start.multiplier });
  }
  return { starts, multiplied };
}

function plain({ generation }: EntryId): Multiplied {
  return { run: generation, from: 0, multiplier: PLAIN_MULTIPLIER };
}

/** Names one direction of an entry. */
export function growthName(id: EntryId, direction: Direction): string {
  return `${formatEntryId(id)} ${direction}`;
}
