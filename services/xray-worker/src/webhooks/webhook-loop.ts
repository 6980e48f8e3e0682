import { lastingFailure, type Logger, type PeriodicTask, type RunningService, runLoop } from "@veil/runtime";
import { firstState, isDue, type WebhookEvents, type WebhookReader } from "@veil/webhooks";

export interface WebhookLoopOptions {
  readonly webhooks: Pick<WebhookReader, "list" | "deliveries">;
  readonly events: Pick<WebhookEvents, "head">;
  /** Enters the job of a webhook unless it is there. */
  readonly enter: (webhookId: string) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Events that nobody announced, retries that have become due, and jobs that Redis has lost are found by a look. */
const LOOK_EVERY_MS = 1_000;

/** Has events delivered to whom they are due, until the service stops. @returns the loop, to be triggered by new events */
export function startWebhookLoop(
  running: Pick<RunningService, "onStop">,
  { log, ...options }: WebhookLoopOptions & { readonly log: Logger },
): PeriodicTask {
  return runLoop(running, "webhooks", {
    everyMs: LOOK_EVERY_MS,
    jitter: 0.2,
    task: () => enterDue(options),
    ...lastingFailure(log, "could not look for events to deliver"),
  });
}

/** Enters the jobs of the webhooks that have something due. @throws when a store or Redis is away */
export async function enterDue({ webhooks, events, enter, now }: WebhookLoopOptions): Promise<void> {
  const enabled = (await webhooks.list()).filter((webhook) => webhook.enabled);
  if (enabled.length === 0) return;
  const [states, head] = await Promise.all([webhooks.deliveries(), events.head()]);
  const stateOf = new Map(states.map((state) => [state.webhookId, state]));
  const due = enabled.filter((webhook) => {
    const state = stateOf.get(webhook.id) ?? firstState(webhook);
    const isTriedAnew = state.failingSince !== null && state.failingSince < webhook.enabledAt;
    return isTriedAnew || isDue(state, head, now());
  });
  await Promise.all(due.map(({ id }) => enter(id)));
}
