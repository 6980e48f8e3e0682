import { orTooLate } from "@veil/job-contract";
import type { JobHandlers } from "@veil/job-queue";
import { changeWebhook, createWebhook, deleteWebhook, type WebhookPorts } from "@veil/webhooks";
import { orUnreadable } from "./or-unreadable.ts";

export type WebhookJobHandlers = Pick<JobHandlers<"veil-keys">, "create-webhook" | "change-webhook" | "delete-webhook">;

/** The handlers for all jobs that change webhooks. */
export function webhookChangeHandlers(ports: WebhookPorts): WebhookJobHandlers {
  return {
    "create-webhook": ({ webhook, deadline }, { jobId: job }) =>
      orTooLate(createWebhook({ job, deadline, webhook }, ports)),
    "change-webhook": ({ webhook_id: id, owner, change, deadline }, { jobId: job }) =>
      orUnreadable("webhook", () => orTooLate(changeWebhook({ job, deadline, id, owner, change }, ports))),
    "delete-webhook": ({ webhook_id: id, owner, deadline }, { redelivered }) =>
      orUnreadable("webhook", () => orTooLate(deleteWebhook({ id, owner, deadline, redelivered }, ports))),
  };
}
