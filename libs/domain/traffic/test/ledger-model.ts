import { compact } from "../src/compact.ts";
import { applyHistoryUpdate, foldUsage, type HoursTrim } from "../src/fold-usage.ts";
import { type DecidedReset, decideReset, figuresOf, type KeyFigures } from "../src/key-figures.ts";
import { applyUpdate, updateOf } from "../src/ledger-update.ts";
import { totals } from "../src/ledger-view.ts";
import { knownOf, observe } from "../src/observe.ts";
import { answerOf, prepareReset } from "../src/reset.ts";
import { emptyRecord, type HourlyValues, type LedgerEvent, type TrafficRecord } from "../src/traffic-record.ts";
import { type UsageHistory, usageOf } from "../src/usage.ts";
import { ReferenceCounter } from "./reference-counter.ts";

/** One thing that happens: bytes move, something breaks, or one of the processes takes its next step. */
export type Command =
  | { readonly kind: "bytes"; readonly node: number; readonly count: number }
  | { readonly kind: "multiplier"; readonly node: number; readonly multiplier: number }
  | { readonly kind: "restart" | "away" | "counter-reset"; readonly node: number }
  | { readonly kind: "hour" }
  | { readonly kind: "crash" | "pause" | "step"; readonly process: number };

interface ModelNode {
  readonly name: string;
  epoch: number;
  counter: number;
  /** The largest value of this life whose write is complete. */
  credited: number;
  away: boolean;
  multiplier: number;
  readonly reference: ReferenceCounter;
}

export interface Answered {
  readonly job: string;
  readonly previous: number;
  readonly movedWhenAsked: number;
  readonly movedWhenAnswered: number;
  readonly lostWhenAnswered: number;
}

/** A reset that the key's document decided, and what had moved when it did. */
export interface Decided {
  readonly baseline: number;
  readonly movedWhenDecided: number;
  readonly lostWhenDecided: number;
}

const ENTITY = "1";
const HOUR_SECONDS = 3_600;
const COLLECTORS = 3;
const COMPACTOR = COLLECTORS;

/** One key on two nodes, three collectors, a compactor and reset jobs of which one is run twice at once; one record. */
export class Model {
  readonly nodes: ModelNode[] = ["a", "b"].map((name) => ({
    ...{ name, epoch: 1, counter: 0, credited: 0, away: false, multiplier: 1 },
    reference: new ReferenceCounter(),
  }));
  record: TrafficRecord | null = null;
  moved = 0;
  /** What Xray counted after the last complete reading before it died. */
  lost = 0;
  readonly answered: Answered[] = [];
  readonly decided: Decided[] = [];
  /** How often a figure may have been rounded, by less than a byte each time. */
  roundings = 2;
  /** Whether a figure that only ever grows fell. */
  fell = false;
  #resets: readonly DecidedReset[] = [];
  #history: UsageHistory | null = null;
  #hour = 0;
  #lifetime = 0;
  readonly #askedAt = new Map<string, number>();
  #processes: Generator<void>[];
  readonly #paused = new Set<number>();
  readonly #factories: (() => Generator<void>)[];

  constructor(withResets: boolean) {
    this.#factories = Array.from({ length: COLLECTORS }, () => () => this.#collector());
    this.#factories.push(() => this.#compactor());
    this.#factories.push(() => this.#folder());
    if (withResets) for (const id of ["d1", "d1", "d2"]) this.#factories.push(() => this.#decider(id));
    if (withResets) for (const job of ["r1", "r1", "r2"]) this.#factories.push(() => this.#reset(job));
    this.#processes = this.#factories.map((start) => start());
  }

  get total(): number {
    return this.record === null ? 0 : totals(this.record).up;
  }

  /** What the bytes that moved may have come to: from those that were surely written to all that anybody read. */
  get worth(): { readonly least: number; readonly most: number } {
    const sum = (of: (reference: ReferenceCounter) => number) =>
      this.nodes.reduce((all, { reference }) => all + of(reference), 0);
    return { least: sum(({ least }) => least), most: sum(({ most }) => most) };
  }

  /** By the resets of both kinds. */
  get figures(): KeyFigures {
    return figuresOf(this.record, this.#resets);
  }

  /** All that was counted in any hour. */
  get usage(): number {
    const range = { from: 0, to: (this.#hour + 1) * HOUR_SECONDS, step: "hour" } as const;
    const usage = usageOf(this.record, this.#history, range);
    return usage.reduce((sum, { up }) => sum + up, 0);
  }

  apply(command: Command): void {
    const [record, history] = [this.record, this.#history];
    this.#apply(command);
    if (this.record === record && this.#history === history) return;
    const lifetime = this.figures.lifetime.up;
    if (lifetime < this.#lifetime || lifetime !== this.usage) this.fell = true;
    this.#lifetime = lifetime;
  }

  #apply(command: Command): void {
    if (command.kind === "hour") {
      this.#hour += 1;
      return;
    }
    if ("process" in command) {
      this.#schedule(command.kind, command.process % this.#processes.length);
      return;
    }
    const node = this.nodes[command.node % this.nodes.length];
    if (node === undefined) return;
    if (command.kind === "away") node.away = !node.away;
    else if (command.kind === "bytes") this.#move(node, command.count);
    else if (command.kind === "multiplier") node.multiplier = command.multiplier;
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
    node.reference.restart();
    this.roundings += 1;
    node.epoch = epoch;
  }

  /** Everybody finishes what they are at, then one more collector reads everything. */
  finish(): void {
    for (const node of this.nodes) node.away = false;
    const others = this.#processes.filter((_, index) => index !== COMPACTOR);
    for (let round = 0; round < 100; round += 1) for (const process of others) process.next();
    for (const node of this.nodes) for (const _ of this.#read(node, node.multiplier));
  }

  *#collector(): Generator<void> {
    for (;;) {
      // Some of it is outdated when it is used.
      const multipliers = this.nodes.map((node) => [node, node.multiplier] as const);
      for (const [node, multiplier] of multipliers) yield* this.#read(node, multiplier);
      yield;
    }
  }

  /** @returns the epoch that was read */
  *#read(node: ModelNode, multiplier: number): Generator<void, number | undefined> {
    const { epoch } = node;
    const known = knownOf(this.record, node.name, epoch);
    yield;
    if (node.away || node.epoch !== epoch) return undefined;
    const value = node.counter;
    const life = node.reference.current;
    yield;
    const observation = observe(known, { node: node.name, epoch, up: value }, multiplier);
    if (observation !== null) {
      const { generation } = observation.begun[0] ?? known.up;
      life.book(generation, { from: known.up.value, to: value }, multiplier);
      this.record = applyUpdate(this.record, updateOf(ENTITY, [observation], this.#hour * HOUR_SECONDS + 1));
    }
    const isWritten = knownOf(this.record, node.name, epoch).up.value >= value;
    // What is written later belongs to the time before a reset that has passed the life by, and is in no figure but the lifetime.
    if (isWritten && node.epoch === epoch) {
      life.write(value);
      node.credited = Math.max(node.credited, value);
    }
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
      if (this.record?.revision !== before.revision) continue;
      this.record = after;
      this.roundings += this.nodes.length;
    }
  }

  *#folder(): Generator<void> {
    for (;;) {
      const [record, history] = [this.record, this.#history];
      yield;
      const folded = record === null ? null : foldUsage(record, history, this.#hour, 90);
      if (folded === null) continue;
      this.#history = applyHistoryUpdate(this.#history, folded.history);
      yield;
      if (this.record !== null) this.record = trimmed(this.record, folded.trim);
      yield;
    }
  }

  *#decider(id: string): Generator<void> {
    for (;;) {
      const [before, record] = [this.#resets, this.record];
      yield;
      if (this.#resets !== before) continue;
      this.#resets = decideReset(before, record, { id, at: 0 });
      const baseline = this.#resets.at(-1)?.baseline.up ?? 0;
      if (this.#resets !== before) {
        this.decided.push({ baseline, movedWhenDecided: this.moved, lostWhenDecided: this.lost });
      }
      return;
    }
  }

  *#reset(job: string): Generator<void> {
    const movedWhenAsked = this.#askedAt.get(job) ?? this.moved;
    this.#askedAt.set(job, movedWhenAsked);
    for (;;) {
      const answer = answerOf(this.record, job, 0);
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
        const epoch = yield* this.#read(node, node.multiplier);
        if (epoch !== undefined) epochs.set(node.name, epoch);
      }
      if (epochs.size < this.nodes.length) continue;
      const reset: LedgerEvent = prepareReset(this.record, job, epochs, 0);
      yield;
      this.record = applyUpdate(this.record, { entity: ENTITY, readAt: 0, raise: {}, append: [reset] });
      this.roundings += this.nodes.length;
      yield;
    }
  }
}

function trimmed(record: TrafficRecord, { hour, values, dropped }: HoursTrim): TrafficRecord {
  const nothing = { entity: ENTITY, readAt: 0, append: [] };
  const raised = applyUpdate(emptyRecord(ENTITY), { ...nothing, raise: record.hours[hour] ?? {} });
  const hours: Record<string, HourlyValues[string]> = {
    ...record.hours,
    [hour]: applyUpdate(raised, { ...nothing, raise: values }).live,
  };
  for (const number of dropped) delete hours[number];
  return { ...record, revision: record.revision + 1, hours };
}
