import type { Metrics } from "@veil/runtime";
import type { SendEnd } from "@veil/webhooks";

/** The measurements of deliveries to webhooks. */
export interface WebhookMetrics {
  /** One attempt has ended. */
  readonly sent: (outcome: SendEnd["outcome"], durationMs: number) => void;
  /** An event was tried for a day in vain. */
  readonly givenUp: () => void;
  readonly switchedOff: () => void;
}

/** The metrics of one worker's deliveries; the collector shows the state of all webhooks. */
export function webhookMetrics(metrics: Metrics): WebhookMetrics {
  const attempts = metrics.counter({
    name: "veil_webhook_deliveries_total",
    help: "Attempts to deliver an event to a webhook, by what came of them; `cut` when this worker stopped meanwhile.",
    labels: { outcome: ["delivered", "failed", "cut"] },
  });
  const seconds = metrics.histogram({
    name: "veil_webhook_delivery_duration_seconds",
    help: "Time that a receiver took to answer, or until an attempt failed.",
  });
  const givenUp = metrics.counter({
    name: "veil_webhook_events_given_up_total",
    help: "Events that were tried for 24 hours in vain; `npm run jobs` lists them.",
  });
  const switchedOff = metrics.counter({
    name: "veil_webhooks_switched_off_total",
    help: "Webhooks that were switched off because their receiver took nothing for three days.",
  });
  return {
    sent: (outcome, durationMs) => {
      attempts.inc({ outcome });
      if (outcome !== "cut") seconds.observe({}, durationMs / 1_000);
    },
    givenUp: () => givenUp.inc(),
    switchedOff: () => switchedOff.inc(),
  };
}
