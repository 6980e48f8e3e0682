/** Counter readings to totals, exactly once. Pure. */
export type { Bytes, Direction } from "./bytes.ts";
export { DIRECTIONS, eachDirection, NO_BYTES } from "./bytes.ts";
export { compact, needsCompaction } from "./compact.ts";
export { formatEntryId, MalformedEntryIdError } from "./entry-id.ts";
export type { Floor, NodeFloor, Standing } from "./floor.ts";
export { InMemoryNodeLivesStore, InMemoryTrafficStore } from "./in-memory-stores.ts";
export type { LedgerUpdate } from "./ledger-update.ts";
export { applyUpdate, updateOf } from "./ledger-update.ts";
export { totals } from "./ledger-view.ts";
export type { NodeLives, SeenMark } from "./node-lives.ts";
export { addMark, epochOf } from "./node-lives.ts";
export type { Known, Observation, Reading } from "./observe.ts";
export { knownOf, observe } from "./observe.ts";
export { answerOf, prepareReset } from "./reset.ts";
export { isNodeSubject, keySubject, nodeSubject } from "./subjects.ts";
export type { Fall, LedgerEvent, Reset, ResetAnswer, TrafficRecord } from "./traffic-record.ts";
export { emptyRecord } from "./traffic-record.ts";
export type { NodeLivesStore, TrafficStore } from "./traffic-store.ts";
