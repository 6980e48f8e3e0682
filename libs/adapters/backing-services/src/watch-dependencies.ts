import { type Clock, type Metrics, type PeriodicTask, runPeriodically, systemClock } from "@veil/runtime";

const dependencyNames = ["mongodb", "redis"] as const;

/** What every service needs beside Xray. */
export type DependencyName = (typeof dependencyNames)[number];

/** Called for every check of a dependency: the seconds until it answered, null when it did not. */
type NoteAnswer = (dependency: DependencyName, seconds: number | null) => void;

/** The metrics of what a service needs, to be fed by {@link watchDependencies}. */
export function dependencyMetrics(metrics: Metrics): NoteAnswer {
  const labels = { dependency: dependencyNames };
  const up = metrics.gauge({
    name: "veil_dependency_up",
    help: "Whether the dependency answered when it was last asked, every 5 s.",
    labels,
  });
  const roundTrips = metrics.histogram({
    name: "veil_dependency_ping_duration_seconds",
    help: "Round trip to the dependency; its failures are not in it.",
    labels,
  });
  return (dependency, seconds) => {
    up.set({ dependency }, seconds === null ? 0 : 1);
    if (seconds !== null) roundTrips.observe({ dependency }, seconds);
  };
}

const ASK_EVERY_MS = 5_000;

/**
 * Asks every dependency again and again, so that a page of metrics knows without asking.
 * @param ask One round trip each; rejects when there is no answer in a time of its own.
 */
export function watchDependencies(
  ask: Readonly<Record<DependencyName, () => Promise<unknown>>>,
  note: NoteAnswer,
  clock: Clock = systemClock,
): PeriodicTask {
  return runPeriodically({
    everyMs: ASK_EVERY_MS,
    jitter: 0.1,
    clock,
    task: () => Promise.all(dependencyNames.map((name) => askOne(name, ask[name], note))),
    onError: () => undefined,
  });
}

async function askOne(name: DependencyName, ask: () => Promise<unknown>, note: NoteAnswer): Promise<void> {
  const askedAt = performance.now();
  try {
    await ask();
    note(name, (performance.now() - askedAt) / 1_000);
  } catch {
    // Why is in the log already: its driver says it, and so does the readiness check.
    note(name, null);
  }
}
