import { limitRepeats, type Logger, type RunningService } from "@veil/runtime";
import type { QueueName } from "@veil/job-contract";
import { consumeJobs, type JobConsumerOptions } from "./job-consumer.ts";
import { logJobStep } from "./log-job-step.ts";

export interface ServeJobsOptions<Q extends QueueName> extends Omit<JobConsumerOptions<Q>, "onError"> {
  readonly log: Logger;
  /** Log level of jobs that complete normally. */
  readonly completed: Parameters<typeof logJobStep>[1];
}

/** Takes jobs from one queue, and logs every step, until the service stops. */
export function serveJobs<Q extends QueueName>(
  running: Pick<RunningService, "onStop">,
  { log, completed, onStep, ...options }: ServeJobsOptions<Q>,
): void {
  const logStep = logJobStep(log, completed);
  const consumer = consumeJobs({
    ...options,
    onStep: (step) => {
      onStep(step);
      logStep(step);
    },
    onError: limitRepeats((err) => log.warn({ err }, "queue error")),
  });
  running.onStop("intake", "jobs", () => consumer.drain());
  running.onStop("connections", "queue", () => consumer.close());
}
