import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compact } from "./compact.ts";
import { applyUpdate, updateOf } from "./ledger-update.ts";
import { totals } from "./ledger-view.ts";
import { knownOf, observe } from "./observe.ts";
import { answerOf, prepareReset } from "./reset.ts";
import type { LedgerEvent, TrafficRecord } from "./traffic-record.ts";

/** One thing that happens: bytes move, something breaks, or one of the processes takes its next step. */
type Command =
  | { readonly kind: "bytes"; readonly node: number; readonly count: number }
  | { readonly kind: "restart" | "away" | "counter-reset"; readonly node: number }
  | { readonly kind: "crash" | "pause" | "step"; readonly process: number };

interface ModelNode {
  readonly name: string;
  epoch: number;
  counter: number;
  /** The largest value of this life whose write is complete. */
  credited: number;
  away: boolean;
}

interface Answered {
  readonly job: string;
  readonly previous: number;
  readonly movedWhenAsked: number;
  readonly movedWhenAnswered: number;
  readonly lostWhenAnswered: number;
}

const ENTITY = "1";
const COLLECTORS = 3;
const COMPACTOR = COLLECTORS;

/** One key on two nodes, three collectors, a compactor and reset jobs of which one is run twice at once; one record. */
class Model {
  readonly nodes: ModelNode[] = ["a", "b"].map((name) => ({ name, epoch: 1, counter: 0, credited: 0, away: false }));
  record: TrafficRecord | null = null;
  moved = 0;
  /** What Xray counted after the last complete reading before it died. */
  lost = 0;
  readonly answered: Answered[] = [];
  readonly #askedAt = new Map<string, number>();
  #processes: Generator<void>[];
  readonly #paused = new Set<number>();
  readonly #factories: (() => Generator<void>)[];

  constructor(withResets: boolean) {
    this.#factories = Array.from({ length: COLLECTORS }, () => () => this.#collector());
    this.#factories.push(() => this.#compactor());
    if (withResets) for (const job of ["r1", "r1", "r2"]) this.#factories.push(() => this.#reset(job));
    this.#processes = this.#factories.map((start) => start());
  }

  get total(): number {
    return this.record === null ? 0 : totals(this.record).up;
  }

  apply(command: Command): void {
    if ("process" in command) {
      this.#schedule(command.kind, command.process % this.#processes.length);
      return;
    }
    const node = this.nodes[command.node % this.nodes.length];
    if (node === undefined) return;
    if (command.kind === "away") node.away = !node.away;
    else if (command.kind === "bytes") this.#move(node, command.count);
    else if (command.kind === "counter-reset") this.#drop(node, node.epoch);
    else this.#drop(node, node.epoch + 1);
  }

  #schedule(what: "step" | "crash" | "pause", index: number): void {
    const start = this.#factories[index];
    if (what === "crash" && start !== undefined) this.#processes[index] = start();
    else if (what === "step" && !this.#paused.has(index)) this.#processes[index]?.next();
    else if (what === "pause" && !this.#paused.delete(index)) this.#paused.add(index);
  }

  #move(node: ModelNode, count: number): void {
    node.counter += count;
    this.moved += count;
  }

  #drop(node: ModelNode, epoch: number): void {
    this.lost += node.counter - node.credited;
    node.counter = 0;
    node.credited = 0;
    node.epoch = epoch;
  }

  /** Everybody finishes what they are at, then one more collector reads everything. */
  finish(): void {
    for (const node of this.nodes) node.away = false;
    const others = this.#processes.filter((_, index) => index !== COMPACTOR);
    for (let round = 0; round < 100; round += 1) for (const process of others) process.next();
    for (const node of this.nodes) for (const _ of this.#read(node));
  }

  *#collector(): Generator<void> {
    for (;;) {
      for (const node of this.nodes) yield* this.#read(node);
      yield;
    }
  }

  /** @returns the epoch that was read */
  *#read(node: ModelNode): Generator<void, number | undefined> {
    const { epoch } = node;
    const known = knownOf(this.record, node.name, epoch);
    yield;
    if (node.away || node.epoch !== epoch) return undefined;
    const value = node.counter;
    yield;
    const observation = observe(known, { node: node.name, epoch, up: value });
    if (observation !== null) this.record = applyUpdate(this.record, updateOf(ENTITY, [observation], 0));
    if (node.epoch === epoch) node.credited = Math.max(node.credited, value);
    yield;
    return epoch;
  }

  *#compactor(): Generator<void> {
    for (;;) {
      const before = this.record;
      yield;
      if (before === null) continue;
      const after = compact(before);
      if (totals(after).up !== totals(before).up) throw new Error("compacting changed the total");
      if (this.record?.revision === before.revision) this.record = after;
    }
  }

  *#reset(job: string): Generator<void> {
    const movedWhenAsked = this.#askedAt.get(job) ?? this.moved;
    this.#askedAt.set(job, movedWhenAsked);
    for (;;) {
      const answer = answerOf(this.record, job);
      if (answer !== undefined) {
        this.answered.push({
          job,
          previous: answer.previous.up,
          movedWhenAsked,
          movedWhenAnswered: this.moved,
          lostWhenAnswered: this.lost,
        });
        return;
      }
      const epochs = new Map<string, number>();
      for (const node of this.nodes) {
        const epoch = yield* this.#read(node);
        if (epoch !== undefined) epochs.set(node.name, epoch);
      }
      if (epochs.size < this.nodes.length) continue;
      const reset: LedgerEvent = prepareReset(this.record, job, epochs, 0);
      yield;
      this.record = applyUpdate(this.record, { entity: ENTITY, read_at: 0, raise: {}, append: [reset] });
      yield;
    }
  }
}

const ACTIONS = fc.oneof(
  { weight: 16, arbitrary: fc.record({ kind: fc.constant("step" as const), process: fc.nat(6) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("bytes" as const), node: fc.nat(1), count: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), node: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("away" as const), node: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("crash" as const, "pause" as const), process: fc.nat(6) }),
  },
);
const WITH_FOREIGN_RESETS = fc.oneof(
  { weight: 20, arbitrary: ACTIONS },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("counter-reset" as const), node: fc.nat(1) }) },
);

function run(commands: readonly Command[], withResets: boolean): Model {
  const model = new Model(withResets);
  for (const command of commands) model.apply(command);
  model.finish();
  return model;
}

const histories = <T>(commands: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(commands, { maxLength: 300, size: "max" });
const RUNS = { numRuns: 1_500 };
const LIMIT_MS = 60_000;

function sumOfAnswers(model: Model): number {
  const byJob = new Map(model.answered.map(({ job, previous }) => [job, previous]));
  return [...byJob.values()].reduce((sum, previous) => sum + previous, 0);
}

function sameAnswer(one: Answered, other: Answered): boolean {
  return one.job !== other.job || one.previous === other.previous;
}

/** What moved since the last of the resets was asked for; more can't be shown. */
function mostAfterResets(model: Model): number {
  return Math.min(model.moved, ...model.answered.map((reset) => model.moved - reset.movedWhenAsked));
}

/** What moved after the last answer without being lost; less can't be shown. */
function leastAfterResets(model: Model): number {
  const last = model.answered.at(-1);
  if (last === undefined) return 0;
  return model.moved - last.movedWhenAnswered - (model.lost - last.lostWhenAnswered);
}

describe("the ledger, whatever overlaps and dies", () => {
  it(
    "counts every byte once and loses only what Xray counted after the last complete reading",
    () => {
      fc.assert(
        fc.property(histories(ACTIONS), (commands) => {
          const model = run(commands, false);
          expect(model.total).toBeLessThanOrEqual(model.moved);
          expect(model.total).toBeGreaterThanOrEqual(model.moved - model.lost);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    "after a reset shows only bytes moved since, and every run of a reset job answers the same",
    () => {
      fc.assert(
        fc.property(histories(ACTIONS), (commands) => {
          const model = run(commands, true);
          const { answered } = model;
          expect(answered.every((one) => one.previous >= 0)).toBe(true);
          expect(answered.every((one) => answered.every((other) => sameAnswer(one, other)))).toBe(true);
          expect(model.total).toBeLessThanOrEqual(mostAfterResets(model));
          expect(model.total).toBeGreaterThanOrEqual(leastAfterResets(model));
          expect(model.total + sumOfAnswers(model)).toBeLessThanOrEqual(model.moved);
          expect(model.total + sumOfAnswers(model)).toBeGreaterThanOrEqual(model.moved - model.lost);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  it(
    "never counts a byte twice when somebody else resets the counters, and goes on counting afterwards",
    () => {
      fc.assert(
        fc.property(histories(WITH_FOREIGN_RESETS), fc.boolean(), (commands, withResets) => {
          const model = run(commands, withResets);
          expect(model.total + sumOfAnswers(model)).toBeLessThanOrEqual(model.moved);
          const before = model.total;
          for (const node of [0, 1]) model.apply({ kind: "bytes", node, count: 1_000 });
          model.finish();
          expect(model.total).toBe(before + 2_000);
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );
});
