import { expect, test } from "vitest";
import {
  ANSWERED_AFTER_MS,
  CALL_DEADLINE_MS,
  COALESCE_WAIT_MS,
  COMMIT_MARGIN_MS,
  CONFIG_FILE_LEASE_MS,
  CONFIG_FILE_WAIT_MS,
  FAILING_FOR_MS,
  JOB_LOCK_MS,
  JOB_SHARE,
  LAST_CALL_UNDER_LEASE_MS,
  LATE_CALL_MS,
  LATE_WRITE_MS,
  LEASE_MS,
  LEASE_PROLONG_EVERY_MS,
  LEASE_WAIT_MS,
  LONGEST_CALL_MS,
  MISSING_INBOUND_WAIT_MS,
  NOTE_SIGHTINGS_EVERY_MS,
  NOTE_SIGHTINGS_JITTER,
  NOTES_OVERLAP_MS,
  OVERDUE_AFTER_MS,
  POSITION_WITHIN_MS,
  RESOLVE_SHARE,
  SHORTEST_WRITE_DEADLINE_MS,
  SIGHTINGS_FRESH_MS,
  SLACK_SHARE,
  STALLED_CHECK_MS,
  STORE_OPERATION_LIMIT_MS,
  TAKEOVER_MS,
  WRITE_DEADLINE_MS,
} from "./timing.ts";

const deadlines = [SHORTEST_WRITE_DEADLINE_MS, WRITE_DEADLINE_MS];

test("a lease outlasts the longest call that may begin under it, late arrival included", () => {
  expect(LONGEST_CALL_MS).toBeGreaterThanOrEqual(CALL_DEADLINE_MS + LATE_CALL_MS);
  expect(LEASE_MS).toBeGreaterThanOrEqual(LAST_CALL_UNDER_LEASE_MS + LONGEST_CALL_MS);
});

test("a lease is prolonged before its last call, also when one prolongation is lost", () => {
  expect(LAST_CALL_UNDER_LEASE_MS).toBeGreaterThanOrEqual(2 * LEASE_PROLONG_EVERY_MS);
  expect(LEASE_PROLONG_EVERY_MS).toBeGreaterThan(0);
});

test("who waits for a dead holder's lease gets it after a few attempts", () => {
  expect(3 * LEASE_WAIT_MS).toBeGreaterThanOrEqual(LEASE_MS);
});

test.each(deadlines)("a dead worker's job is another one's before its time is over: deadline %d ms", (deadline) => {
  expect(JOB_LOCK_MS + STALLED_CHECK_MS).toBeLessThan(JOB_SHARE * deadline);
});

test.each(deadlines)(
  "a successor has force-converged before the API resolves the write: deadline %d ms",
  (deadline) => {
    expect(JOB_LOCK_MS + STALLED_CHECK_MS).toBeLessThanOrEqual(LEASE_MS);
    expect(TAKEOVER_MS).toBeLessThanOrEqual((JOB_SHARE + SLACK_SHARE) * deadline);
  },
);

test("a lock on a job lasts longer than two checks for stalled ones take", () => {
  expect(JOB_LOCK_MS).toBeGreaterThanOrEqual(2 * STALLED_CHECK_MS);
});

test.each(deadlines)("the shares leave time to send the answer: deadline %d ms", (deadline) => {
  expect((1 - JOB_SHARE - SLACK_SHARE - RESOLVE_SHARE) * deadline).toBeGreaterThanOrEqual(100);
});

test("the shortest deadline is no longer than the default", () => {
  expect(SHORTEST_WRITE_DEADLINE_MS).toBeLessThanOrEqual(WRITE_DEADLINE_MS);
  expect(SHORTEST_WRITE_DEADLINE_MS).toBe(8_000);
});

test.each(deadlines)("a write that was coalesced lands within the commit margin: deadline %d ms", (deadline) => {
  expect(2 * COALESCE_WAIT_MS).toBeLessThanOrEqual(COMMIT_MARGIN_MS);
  expect(COMMIT_MARGIN_MS).toBeLessThanOrEqual(SLACK_SHARE * deadline);
});

test.each(deadlines)("a config file that hangs leaves a deletion time for its call: deadline %d ms", (deadline) => {
  expect(CONFIG_FILE_WAIT_MS + LATE_CALL_MS).toBeLessThanOrEqual((JOB_SHARE + SLACK_SHARE) * deadline);
});

test.each(deadlines)(
  "an inbound that is missing for long leaves a write time for its call: deadline %d ms",
  (deadline) => {
    expect(MISSING_INBOUND_WAIT_MS + CALL_DEADLINE_MS).toBeLessThanOrEqual(JOB_SHARE * deadline);
  },
);

test("a write is looked for until the store has given it up and applies it no more", () => {
  expect(LATE_WRITE_MS).toBeGreaterThan(STORE_OPERATION_LIMIT_MS);
  expect(STORE_OPERATION_LIMIT_MS).toBeGreaterThan(WRITE_DEADLINE_MS);
});

test("a node counts as failing only after another worker has missed two notes of it", () => {
  expect(FAILING_FOR_MS).toBeGreaterThan(2 * NOTE_SIGHTINGS_EVERY_MS * (1 + NOTE_SIGHTINGS_JITTER));
});

test("what is taken for true of a node's failing is younger than the next note of it", () => {
  expect(SIGHTINGS_FRESH_MS).toBeLessThan(NOTE_SIGHTINGS_EVERY_MS * (1 - NOTE_SIGHTINGS_JITTER));
});

test("notes overlap by more than a position may lag behind the read beside it", () => {
  expect(NOTES_OVERLAP_MS).toBeGreaterThan(POSITION_WITHIN_MS);
});

test("a config file is written within the time for which a deletion waits for it", () => {
  expect(CONFIG_FILE_LEASE_MS).toBeLessThan(CONFIG_FILE_WAIT_MS);
});

test("a creation is overdue only after its creator was answered", () => {
  expect(ANSWERED_AFTER_MS).toBeGreaterThanOrEqual((1 - JOB_SHARE) * WRITE_DEADLINE_MS - 1e-6);
  expect(OVERDUE_AFTER_MS).toBeGreaterThanOrEqual(ANSWERED_AFTER_MS);
});
