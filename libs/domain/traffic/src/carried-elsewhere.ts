import { foldTo } from "./compact.ts";
import { counterStateOf, type LedgerView, viewOf } from "./ledger-view.ts";
import { type CounterState, type Direction, DIRECTIONS } from "./model.ts";
import type { Life } from "./node-lives.ts";
import type { TrafficRecord } from "./traffic-record.ts";

/**
 * The record of a node's total once it leaves out what a life has carried under other names. What the record counted of that
 * life itself stays in it.
 *
 * @param others the records of the nodes under whose names it did
 * @returns `null` when they have carried nothing that the record does not know. Store the other in its place only if its
 *   revision has not moved.
 */
export function carriedElsewhere(
  record: TrafficRecord,
  life: Life,
  others: readonly TrafficRecord[],
): TrafficRecord | null {
  const views = others.map(viewOf);
  const view = viewOf(record);
  const own = stateIn(view, life);
  const carried = { up: furthest(views, life, "up"), down: furthest(views, life, "down") };
  if (DIRECTIONS.every((direction) => !isBeyond(carried[direction], own[direction]))) return null;
  const at = (direction: Direction): CounterState =>
    isBeyond(carried[direction], own[direction]) ? carried[direction] : own[direction];
  const present = view.baseline[life.node];
  if (present !== undefined && present.epoch > life.epoch) return null;
  return foldTo(record, { ...view.baseline, [life.node]: { epoch: life.epoch, up: at("up"), down: at("down") } });
}

function stateIn(view: LedgerView, { node, epoch }: Life): Record<Direction, CounterState> {
  return { up: counterStateOf(view, node, epoch, "up"), down: counterStateOf(view, node, epoch, "down") };
}

function furthest(views: readonly LedgerView[], { node, epoch }: Life, direction: Direction): CounterState {
  const states = views.map((view) => counterStateOf(view, node, epoch, direction));
  return states.reduce((one, other) => (isBeyond(other, one) ? other : one), { generation: 0, value: 0 });
}

function isBeyond(one: CounterState, other: CounterState): boolean {
  return one.generation > other.generation || (one.generation === other.generation && one.value > other.value);
}
