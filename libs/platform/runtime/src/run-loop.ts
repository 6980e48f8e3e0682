import type { RunningService } from "./lifecycle.ts";
import { type PeriodicOptions, type PeriodicTask, runPeriodically } from "./periodic.ts";

/** Runs a task again and again until the service stops. @param name for the log of the stop */
export function runLoop(
  running: Pick<RunningService, "onStop">,
  name: string,
  options: Omit<PeriodicOptions, "signal">,
): PeriodicTask {
  const loop = runPeriodically(options);
  running.onStop("loops", name, () => loop.stop());
  return loop;
}
