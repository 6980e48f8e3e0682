import { type EventLog, type Outbox, relayEvents, type VeilEvent } from "@veil/events";
import { announce, type EventHintIndex, type ExclusiveTask, runExclusively } from "@veil/redis";
import {
  type Clock,
  lastingFailure,
  type Logger,
  type PeriodicTask,
  type RunningService,
  runLoop,
  type SharedClock,
} from "@veil/runtime";

export interface RelayLoopOptions {
  readonly hints: Pick<EventHintIndex, "waiting" | "due" | "looked" | "isComplete" | "beginLook" | "markComplete">;
  readonly events: EventLog;
  readonly outbox: Outbox;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Pick<Clock, "now">;
  /** For how many days events are kept. */
  readonly keptDays: number;
  readonly log: Logger;
  /** Called with events that were logged. */
  readonly onRelayed: (events: readonly VeilEvent[]) => void;
  /** Called with what waits to be relayed. */
  readonly onWaiting: (waiting: WaitingEvents) => void;
}

/** Events that may have been born and are not in the log. */
export interface WaitingEvents {
  readonly writes: number;
  /** For how long the first of them has been waiting; 0 when none is. Milliseconds. */
  readonly sinceMs: number;
}

/** A new event waits for the next look of some worker; a look that finds nothing costs a tenth of a millisecond. */
const LOOK_EVERY_MS = 200;
const TAKEN_AT_ONCE = 1_000;
/** After a worker died nothing is relayed for so long. */
const RELAY_LEASE_MS = 5_000;
/** Whether nothing can have been overlooked takes Redis three answers, one of them long. */
const LOOK_AT_ALL_EVERY_MS = 500;
const LOOK_AT_ALL_LEASE_MS = 10_000;
const FORGET_EVERY_MS = 10 * 60_000;
const DAY_S = 24 * 60 * 60;

/** What can't be undone is done by two clocks. */
interface ForgetOptions extends RelayLoopOptions {
  readonly clock: Pick<SharedClock, "now" | "earliest">;
}

/** Brings events into the log, by one worker at a time, until the service stops. */
export function startRelayLoop(running: RunningService, options: ForgetOptions): PeriodicTask {
  const { log } = options;
  runLoop(running, "events of all subjects", {
    everyMs: LOOK_AT_ALL_EVERY_MS,
    jitter: 0.2,
    task: () => relayAll(options),
    ...lastingFailure(log, "could not look for events everywhere"),
  });
  runLoop(running, "old events", {
    everyMs: FORGET_EVERY_MS,
    jitter: 0.5,
    firstRun: "later",
    task: () => forgetOld(options),
    ...lastingFailure(log, "could not forget old events"),
  });
  return runLoop(running, "events", {
    everyMs: LOOK_EVERY_MS,
    jitter: 0.2,
    task: () => relayDue(options),
    ...lastingFailure(log, "could not relay events"),
  });
}

/** Relays what was born in the subjects that are due, and in more as long as there are more. @throws when a store is away */
export async function relayDue(options: RelayLoopOptions): Promise<void> {
  const { hints, exclusive, clock, onWaiting } = options;
  const { writes, since } = await hints.waiting();
  onWaiting({ writes, sinceMs: since === null ? 0 : Math.max(0, clock.now() - since) });
  if (since === null) return;
  await runExclusively({ ...exclusive, subject: "events", leaseMs: RELAY_LEASE_MS }, async () => {
    while (true) {
      const due = await hints.due(TAKEN_AT_ONCE);
      if (due.length === 0) return;
      await relay([...new Set(due.map(({ subject }) => subject))], options);
      await hints.looked(due);
      if (due.length < TAKEN_AT_ONCE) return;
    }
  });
}

/** Relays what was born anywhere, unless nothing can have been overlooked. @throws when a store is away */
export async function relayAll(options: RelayLoopOptions): Promise<void> {
  const { hints, exclusive, outbox, log } = options;
  if (await hints.isComplete()) return;
  await runExclusively({ ...exclusive, subject: "all-events", leaseMs: LOOK_AT_ALL_LEASE_MS }, async () => {
    let found = 0;
    const look = await hints.beginLook();
    for await (const subjects of outbox.subjects()) {
      for (let start = 0; start < subjects.length; start += TAKEN_AT_ONCE) {
        found += await relay(subjects.slice(start, start + TAKEN_AT_ONCE), options);
      }
    }
    const isComplete = await hints.markComplete(look);
    log.debug({ events: found, complete: isComplete }, "looked for events everywhere");
  });
}

async function relay(subjects: readonly string[], options: RelayLoopOptions): Promise<number> {
  const { events, outbox, exclusive, onRelayed } = options;
  const added = await relayEvents(subjects, { log: events, outbox });
  if (added.length === 0) return 0;
  onRelayed(added);
  // Processes that wait look by themselves as well, a little later.
  await announce(exclusive.redis, exclusive.prefix, "events", String(added.length)).catch(() => undefined);
  return added.length;
}

async function forgetOld({ events, exclusive, clock, keptDays, log }: ForgetOptions): Promise<void> {
  await runExclusively({ ...exclusive, subject: "old-events", leaseMs: LOOK_AT_ALL_LEASE_MS }, async () => {
    const now = Math.floor(clock.earliest() / 1_000);
    const dropped = await events.drop(now - keptDays * DAY_S, now);
    if (dropped > 0) log.debug({ dropped }, "forgot old events");
  });
}
