import { attemptId, isOfSameWrite, mayBeRepeated, writeOf } from "@veil/idempotency";
import { eachDirection, NO_BYTES, type NodeBaseline } from "./model.ts";
import { type LedgerView, counterStateOf, totalsOf, viewOf } from "./ledger-view.ts";
import { emptyRecord, type Reset, type ResetAnswer, type TrafficRecord } from "./traffic-record.ts";

/**
 * Prepares the reset of an entity, from its record as it was read after every node's counters had been written to it.
 *
 * The reset closes every epoch before the ones in `epochs`: what a slow collector still writes to them belongs to the time
 * before the reset. Append it and ask {@link answerOf} what became of it.
 *
 * @param record `null` when the entity has none
 * @param epochs the epoch in which each node was just read, by node name. A node that only the record knows (it has been
 *   taken out of the settings) is set to zero at what the record holds.
 * @param at unix seconds
 */
export function prepareReset(
  record: TrafficRecord | null,
  job: string,
  epochs: ReadonlyMap<string, number>,
  at: number,
): Reset {
  const view = viewOf(record ?? emptyRecord(""));
  const baseline: Record<string, NodeBaseline> = {};
  for (const [node, newest] of newestEpochs(view)) {
    const read = Math.max(epochs.get(node) ?? newest, view.baseline[node]?.epoch ?? 0);
    baseline[node] = nodeBaselineAt(view, node, read);
  }
  for (const [node, epoch] of epochs) baseline[node] ??= nodeBaselineAt(view, node, epoch);
  const before = totalsOf(view);
  const after = totalsOf({ ...view, baseline, folded: NO_BYTES });
  const previous = eachDirection((direction) => before[direction] - after[direction]);
  return { kind: "reset", version: view.version, job: entryOf(view, job, at * 1_000), at, baseline, previous };
}

/** Beyond the attempts that one write has. */
const FIRST_LATER_ATTEMPT = 100_000;

/**
 * The job under which a reset is entered. Every version takes one id once: under an `Idempotency-Key` that is used again after its day
 * the same id comes, and is entered as a later attempt.
 */
function entryOf({ answers }: LedgerView, job: string, now: number): string {
  const isOver = answers.some((answer) => isOfSameWrite(answer.job, job) && !mayBeRepeated(job, answer.at, now));
  if (!isOver) return job;
  const taken = new Set(answers.map((answer) => answer.job));
  let number = FIRST_LATER_ATTEMPT;
  while (taken.has(attemptId(writeOf(job), number))) number += 1;
  return attemptId(writeOf(job), number);
}

/**
 * What a reset job answers, once a reset of its own or of another attempt of its write holds; the same for as long as a repeat may
 * mean it (a store keeps the last 32 per entity).
 * `undefined` when none holds yet: prepare it again on the record as it is now.
 *
 * @param now milliseconds since the epoch
 */
export function answerOf(record: TrafficRecord | null, job: string, now: number): ResetAnswer | undefined {
  if (record === null) return undefined;
  const { answers } = viewOf(record);
  return answers.find((answer) => isOfSameWrite(answer.job, job) && mayBeRepeated(job, answer.at, now));
}

/** The newest epoch that a record knows of each node. All before it are dead: an epoch is numbered while it lives. */
export function newestEpochs(view: LedgerView): Map<string, number> {
  const newest = new Map<string, number>();
  for (const [node, { epoch }] of Object.entries(view.baseline)) newest.set(node, epoch);
  for (const { node, epoch } of view.entries) newest.set(node, Math.max(epoch, newest.get(node) ?? 0));
  return newest;
}

/** The point where a node's counters stand in an epoch. */
function nodeBaselineAt(view: LedgerView, node: string, epoch: number): NodeBaseline {
  return {
    epoch,
    up: counterStateOf(view, node, epoch, "up"),
    down: counterStateOf(view, node, epoch, "down"),
  };
}
