/** Counter readings to totals, exactly once. Pure. */
export { carriedElsewhere } from "./carried-elsewhere.ts";
export { compact, type IsForgotten, needsCompaction } from "./compact.ts";
export { applyHistoryUpdate, foldUsage, type HistoryUpdate, type HoursTrim, needsFolding } from "./fold-usage.ts";
export { forgottenLives, knownSeries, LIVES_KEPT_MS, marksOfNone } from "./forgotten-lives.ts";
export { type DecidedReset, decideReset, figuresOf, type KeyFigures } from "./key-figures.ts";
export { applyUpdate, holdsAll, hourValuesOf, type LedgerUpdate, updateOf } from "./ledger-update.ts";
export { totals } from "./ledger-view.ts";
export {
  type Baseline,
  type Bytes,
  type CounterState,
  DIRECTIONS,
  type Direction,
  eachDirection,
  formatEntryId,
  isEntryId,
  isNodeEntity,
  keyEntity,
  MalformedEntryIdError,
  NO_BYTES,
  type NodeBaseline,
  nodeEntity,
} from "./model.ts";
export { PLAIN_MULTIPLIER } from "./multiplied.ts";
export { type IdentifiedLife, identifyLife } from "./identify-life.ts";
export {
  addMark,
  isSameLife,
  type Life,
  lifeOf,
  LONGEST_AHEAD_MS,
  type NodeLives,
  nodeOfSeries,
  seenMark,
} from "./node-lives.ts";
export { type Known, knownOf, type Observation, observe, type Reading } from "./observe.ts";
export { isCountedOnline, onlineKeys } from "./online-keys.ts";
export { answerOf, prepareReset } from "./reset.ts";
export {
  type CounterReset,
  emptyRecord,
  type GenerationStart,
  type HourlyValues,
  type LedgerEvent,
  type MultiplierChange,
  type Reset,
  type ResetAnswer,
  type TrafficRecord,
} from "./traffic-record.ts";
export {
  type FoundHistory,
  type FoundRecord,
  type NodeLivesStore,
  readable,
  type TrafficStore,
  type UsageStore,
} from "./ports.ts";
export { sumUsage, type Usage, type UsageHistory, usageOf, type UsageStep } from "./usage.ts";
