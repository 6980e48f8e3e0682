import { type Clock, type Metrics, type PeriodicTask, runPeriodically, SaidReasons, systemClock } from "@veil/runtime";
import { untilAnswered } from "./until-answered.ts";

const dependencyNames = ["mongodb", "redis"] as const;

/** The backends that every service needs, apart from Xray. */
export type DependencyName = (typeof dependencyNames)[number];

/** Called for every check of a dependency: the seconds until it answered, null when it did not. */
type NoteAnswer = (dependency: DependencyName, seconds: number | null) => void;

/** The metrics of what a service needs, to be fed by {@link watchDependencies}. */
export function dependencyMetrics(metrics: Metrics): NoteAnswer {
  const labels = { dependency: dependencyNames };
  const up = metrics.gauge({
    name: "veil_dependency_up",
    help: "Whether the dependency did what this service needs of it when it was last asked, every 5 s.",
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

export interface WatchDependenciesOptions {
  /** One round trip each; rejects when there is no answer in a time of its own. */
  readonly ask: Readonly<Record<DependencyName, () => Promise<unknown>>>;
  readonly note: NoteAnswer;
  readonly log: Record<
    "info" | "warn",
    (fields: { dependency: DependencyName; err?: unknown }, message: string) => void
  >;
  /** Milliseconds that a connection may take at the start, before a dependency that does not answer is down. Default 0. */
  readonly connectMs?: number;
  readonly clock?: Clock;
}

/** Asks every dependency again and again, so that a page of metrics knows without asking, and logs every change. */
export function watchDependencies(options: WatchDependenciesOptions): PeriodicTask {
  const { ask, connectMs = 0, clock = systemClock } = options;
  const whyDown = new Map<DependencyName, SaidReasons>();
  const untilConnected = (name: DependencyName, signal: AbortSignal) =>
    untilAnswered(ask[name], { limitMs: connectMs, clock, signal });
  let isFirst = true;
  return runPeriodically({
    everyMs: ASK_EVERY_MS,
    jitter: 0.1,
    clock,
    task: async (signal) => {
      await Promise.all(
        dependencyNames.map(async (name) => {
          if (isFirst) await untilConnected(name, signal);
          await askOne(name, ask[name], whyDown, options);
        }),
      );
      isFirst = false;
    },
    onError: () => undefined,
  });
}

async function askOne(
  dependency: DependencyName,
  ask: () => Promise<unknown>,
  whyDown: Map<DependencyName, SaidReasons>,
  { note, log, clock = systemClock }: WatchDependenciesOptions,
): Promise<void> {
  const askedAt = clock.monotonic();
  try {
    await ask();
    note(dependency, (clock.monotonic() - askedAt) / 1_000);
    if (whyDown.get(dependency)?.end() === true) log.info({ dependency }, "dependency is back");
  } catch (err) {
    note(dependency, null);
    const said = whyDown.get(dependency) ?? new SaidReasons();
    whyDown.set(dependency, said);
    if (said.isNew(err)) log.warn({ err, dependency }, "dependency is down");
  }
}
