/**
 * Every time limit of the write protocol, in milliseconds, from two facts: how long one call to a node may take, and how
 * long a caller waits for a write. They must fit each other, which `timing.test.ts` holds.
 *
 * A write of ten seconds whose worker dies right after it took the key's lease and sent a call:
 *
 * ```
 *  0 s       2         4         6         8   8.8 9.8 10
 *  |----|----|----|----|----|----|----|----|----|---|--|
 *  [ the job may decide and delete ........]               JOB_SHARE
 *                                          [slk]           SLACK_SHARE: clocks differ, writes land
 *                                               [res]      RESOLVE_SHARE: without a result, the API finds the outcome
 *                                                   [s]    what is left is for sending the answer
 *  X the worker dies
 *  [ its call ...][late]                                   CALL_DEADLINE_MS, LATE_CALL_MS
 *  [ its lock on the job  ][chk]                           JOB_LOCK_MS, STALLED_CHECK_MS: another worker has the job
 *  [ its lease .................][late]                    LEASE_MS, then its successor forces the node to converge
 *                                     ^ TAKEOVER_MS        before the API resolves the write without it
 * ```
 */

/** The deadline of one gRPC call that concerns one user, the wait for its connection included. */
export const CALL_DEADLINE_MS = 3_000;

/** How long a caller waits for a write unless the API's settings say otherwise. */
export const WRITE_DEADLINE_MS = 10_000;

/** For how long after its deadline, or after a node that hung answers again, an older call may still come through. */
export const LATE_CALL_MS = CALL_DEADLINE_MS / 3;

/** After it nothing more comes of a call, whoever waits for it. */
export const LONGEST_CALL_MS = CALL_DEADLINE_MS + LATE_CALL_MS;

/** While an inbound is replaced it is missing for as long as the keys take to be read. An add or a remove waits that out. */
export const MISSING_INBOUND_WAIT_MS = 0.3 * WRITE_DEADLINE_MS;

/** So short that what a dead holder left is finished in its caller's time; prolonged while the holder lives. */
export const LEASE_MS = 2 * CALL_DEADLINE_MS;

/** No call begins under a lease that was confirmed longer ago. */
export const LAST_CALL_UNDER_LEASE_MS = LEASE_MS - LONGEST_CALL_MS;

/** Twice in the time in which calls may begin, so that one slow reply of Redis stops nobody. */
export const LEASE_PROLONG_EVERY_MS = LAST_CALL_UNDER_LEASE_MS / 2;

/** How long one attempt waits for a key that another process holds. */
export const LEASE_WAIT_MS = LEASE_MS / 3;

/** The parts of a write's deadline: the job's, what clocks may differ by and late writes take, and the API's to resolve it. */
export const JOB_SHARE = 0.8;
export const SLACK_SHARE = 0.08;
export const RESOLVE_SHARE = 0.1;

/** A job is another worker's at most lock + check after its own died. */
export const JOB_LOCK_MS = 0.4 * WRITE_DEADLINE_MS;
export const STALLED_CHECK_MS = 0.15 * WRITE_DEADLINE_MS;

/** When a successor has the lease of a holder that died and no call of that one comes through any more. */
export const TAKEOVER_MS = LEASE_MS + LATE_CALL_MS;

const LEAST_DEADLINE_STEP_MS = 500;
/** The shortest deadline of a write within which a successor still finishes what a worker that died had begun. */
export const SHORTEST_WRITE_DEADLINE_MS =
  Math.ceil(TAKEOVER_MS / (JOB_SHARE + SLACK_SHARE) / LEAST_DEADLINE_STEP_MS) * LEAST_DEADLINE_STEP_MS;

/** A decision is not begun when less than this is left of the job's time, so that it lands before the deadline. */
export const COMMIT_MARGIN_MS = WRITE_DEADLINE_MS / 20;

/** A call that has waited for so long behind one that hangs goes out beside it: early enough to land within the commit margin. */
export const COALESCE_WAIT_MS = COMMIT_MARGIN_MS / 2;

/** So long after the job's deadline the creator has its answer. */
export const ANSWERED_AFTER_MS = WRITE_DEADLINE_MS - JOB_SHARE * WRITE_DEADLINE_MS;

/** A creation is overdue so long after its deadline, however the clocks of API and workers differ. */
export const OVERDUE_AFTER_MS = 0.2 * WRITE_DEADLINE_MS;

/** How long a deletion waits for the config file: a disk that hangs must not make it fail. */
export const CONFIG_FILE_WAIT_MS = 0.6 * WRITE_DEADLINE_MS;

/** An operation of the store is given up after it; it may still be carried out. */
export const STORE_OPERATION_LIMIT_MS = 60_000;

/** So long after a write was begun, or given up, the store applies it no more. */
export const LATE_WRITE_MS = 1.5 * STORE_OPERATION_LIMIT_MS;

/** How often a worker notes which nodes it reached, give or take {@link NOTE_SIGHTINGS_JITTER}. */
export const NOTE_SIGHTINGS_EVERY_MS = 2_000;
export const NOTE_SIGHTINGS_JITTER = 0.1;

/**
 * More than two notes of another worker that reaches the node, and more than a restart of Xray takes. A worker notes no failure
 * before it has seen nothing else for so long: right after its start a single health probe that fails would otherwise count
 * from what a worker that has gone saw last.
 */
export const FAILING_FOR_MS = 2.5 * NOTE_SIGHTINGS_EVERY_MS;

/** For so long what was read of sightings is taken for true: it hardly makes them older. */
export const SIGHTINGS_FRESH_MS = NOTE_SIGHTINGS_EVERY_MS / 2;

/**
 * Readers of notes about changed keys get once more what was noted so shortly before their position: a note may reach Redis a
 * little after its write was seen to fail, and the other way round.
 */
export const NOTES_OVERLAP_MS = 10_000;

/** A position that took longer to be had may be of a later moment than the read beside it, by more than the overlap covers. */
export const POSITION_WITHIN_MS = NOTES_OVERLAP_MS / 2;

/** How long one write of the config file may take, and for how long another worker waits for it. */
export const CONFIG_FILE_LEASE_MS = WRITE_DEADLINE_MS / 2;
