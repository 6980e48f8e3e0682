import { describeExit, type ManagedProcess, type ProcessExit } from "@veil/engines";
import { type Clock, errorMessage } from "@veil/runtime";

/** A started process as the supervisor sees it. */
export type Child = Pick<ManagedProcess, "pid" | "exited" | "stop">;

export interface Supervision<Started extends Child> {
  /** For messages: "redis". */
  name: string;
  start: () => Promise<Started>;
  /** Called with every process that was started, the first one included, before it is supervised. */
  onStarted: (child: Started) => Promise<void>;
  report: (line: string) => void;
  clock: Clock;
  /** Whether starting it again after such an end is of no use. Without it every end is followed by a start. */
  isFinal?: (exit: ProcessExit) => boolean;
}

/** A process that is started again whenever it ends, until it is stopped. */
export interface Supervised {
  /** Stops the process, and waits for it. No further one is started. */
  stop(graceMs: number): Promise<void>;
  /** Kills the process at once. No further one is started. */
  kill(): void;
}

/** The first restart is nearly immediate; a child that keeps dying is tried ever more seldom. */
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** A child that lived as long is taken for healthy, and its next end for the first one. */
const HEALTHY_AFTER_MS = 5_000;

/**
 * Starts a process and keeps it running.
 *
 * @throws whatever the first start throws; later failures are reported and tried again.
 */
export async function supervise<Started extends Child>(supervision: Supervision<Started>): Promise<Supervised> {
  const stopping = new AbortController();
  let child = await supervision.start();
  await supervision.onStarted(child);

  const guarding = (async () => {
    let pauseMs = FIRST_PAUSE_MS;
    while (!stopping.signal.aborted) {
      const startedAt = supervision.clock.monotonic();
      const exit = await child.exited;
      if (stopping.signal.aborted) return;
      if (supervision.isFinal?.(exit) === true) {
        supervision.report(`${supervision.name} ${describeExit(exit)} It is not started again.`);
        return;
      }
      if (supervision.clock.monotonic() - startedAt > HEALTHY_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      const next = await startAgain(supervision, describeExit(exit), pauseMs, stopping.signal);
      if (!next) return;
      child = next.child;
      pauseMs = Math.min(next.pauseMs * 2, LONGEST_PAUSE_MS);
    }
  })();

  return {
    stop: async (graceMs) => {
      stopping.abort();
      await child.stop(graceMs);
      await guarding;
    },
    kill: () => {
      stopping.abort();
      void child.stop(0);
    },
  };
}

async function startAgain<Started extends Child>(
  { name, start, onStarted, report, clock }: Supervision<Started>,
  fault: string,
  firstPauseMs: number,
  stopping: AbortSignal,
): Promise<{ child: Started; pauseMs: number } | undefined> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    report(`${name} ${fault} Starting it again in ${pauseMs / 1_000} s.`);
    await clock.sleep(pauseMs, stopping);
    if (stopping.aborted) return undefined;
    try {
      const child = await start();
      await onStarted(child);
      report(`${name} runs again (process ${child.pid}).`);
      if (!stopping.aborted) return { child, pauseMs };
      await child.stop(0);
      return undefined;
    } catch (error) {
      fault = `did not come up: ${errorMessage(error)}.`;
    }
  }
}
