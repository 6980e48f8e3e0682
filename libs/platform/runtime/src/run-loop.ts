import { type PeriodicOptions, type PeriodicTask, runPeriodically } from "./periodic.ts";
import type { Stoppable } from "./service-parts.ts";

/** Runs a task again and again until the service stops. @param name for the log of the stop */
export function runLoop(running: Stoppable, name: string, options: Omit<PeriodicOptions, "signal">): PeriodicTask {
  const loop = runPeriodically(options);
  running.onStop("loops", name, () => loop.stop());
  return loop;
}
