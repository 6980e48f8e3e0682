import { randomBytes } from "node:crypto";
import { type CreateWebhookBody, messages, type UpdateWebhookBody } from "@veil/http-contract";
import { changedByWriteOf, mayBeRepeated } from "@veil/idempotency";
import { TOO_LATE } from "@veil/job-contract";
import {
  SEAL_NONCE_BYTES,
  sealSecret,
  SECRET_BYTES,
  secretText,
  urlFault,
  type Webhook,
  type WebhookChange,
  type WebhookReader,
} from "@veil/webhooks";
import { ContradictionError, WebhookNotFoundError, WebhooksNotConfiguredError } from "../errors.ts";
import { idOfWrite } from "../jobs/id-of-write.ts";
import { readWithin } from "../jobs/read-within.ts";
import { runDeletion } from "../jobs/run-deletion.ts";
import { type PayloadStamp, planWriteJob, runWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError } from "../jobs/write-jobs.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";
import { callerOf, type RequestScope } from "../ports.ts";
import { seesWebhook } from "./read-webhooks.ts";

/** How the server's settings let webhooks be made. */
export interface WebhookRules {
  /** The key that seals secrets; null where the settings lack it. */
  readonly sealingKey: Uint8Array | null;
  /** Whether private and loopback addresses may be called. */
  readonly isPrivateAllowed: boolean;
}

export interface ManageWebhooksPorts extends WritePorts {
  readonly webhooks: WebhookReader;
  readonly webhookRules: WebhookRules;
}

/** A webhook that was just made. */
export interface MadeWebhook {
  readonly webhook: Webhook;
  /** The secret that deliveries are signed with; null when another request made it, which alone knew it. */
  readonly secret: string | null;
}

/**
 * Makes a webhook. Redis and the store hold its secret sealed only.
 *
 * @throws {ContradictionError} when its address is a private one, there are too many, or its `Idempotency-Key` has made another one
 * @throws {WebhooksNotConfiguredError} when secrets can't be sealed; {@link WriteFailedError} when it was not made
 */
export async function createWebhook(
  { url, types }: CreateWebhookBody,
  scope: RequestScope,
  ports: ManageWebhooksPorts,
): Promise<MadeWebhook> {
  const { sealingKey } = ports.webhookRules;
  if (sealingKey === null) throw new WebhooksNotConfiguredError();
  refusePrivate(url, ports);
  const job = planWriteJob("createWebhook", scope, ports);
  const id = `wh_${idOfWrite(job.id)}`;
  const secret = secretText(randomBytes(SECRET_BYTES));
  const sealedSecret = sealSecret(secret, id, sealingKey, randomBytes(SEAL_NONCE_BYTES));
  const createdAt = Math.floor(ports.clock.now() / 1_000);
  const webhook = { id, url, types, owner: callerOf(scope).owner, sealedSecret, createdAt };
  const payload = (stamp: PayloadStamp) => ({ webhook, ...stamp });
  const onNoOutcome = async (limits: WriteLimits) => {
    const made = await readWithin(() => ports.webhooks.find(id), "createWebhook", limits, ports);
    const isOwn = made !== null && mayBeRepeated(job.id, made.createdAt, ports.clock.now());
    return isOwn ? ({ outcome: "created", webhook: made } as const) : TOO_LATE;
  };
  const result = await runWriteJob({ job, payload, onNoOutcome }, scope, ports);
  if (result.outcome === "created")
    return { webhook: result.webhook, secret: result.webhook.sealedSecret === sealedSecret ? secret : null };
  if (result.outcome === "too-many") throw new ContradictionError("taken", messages.tooManyWebhooks(result.most));
  if (result.outcome === "taken") throw new ContradictionError("taken", result.detail);
  throw notAppliedError("createWebhook", result);
}

/**
 * Changes a webhook.
 *
 * @throws {WebhookNotFoundError} when the caller sees none of this id; otherwise as {@link createWebhook}
 */
export async function updateWebhook(
  id: string,
  { url, types, enabled }: UpdateWebhookBody,
  scope: RequestScope,
  ports: ManageWebhooksPorts,
): Promise<Webhook> {
  if (url !== undefined) refusePrivate(url, ports);
  const change: WebhookChange = {
    ...(url !== undefined && { url }),
    ...(types !== undefined && { types }),
    ...(enabled !== undefined && { enabled }),
  };
  const job = planWriteJob("updateWebhook", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ webhook_id: id, change, ...stamp });
  const onNoOutcome = async (limits: WriteLimits) => {
    const webhooks = await readWithin(() => ports.webhooks.list(), "updateWebhook", limits, ports);
    // The webhook names the job that changed it.
    const made = changedByWriteOf(job.id, webhooks, ports.clock.now());
    return made === null ? TOO_LATE : ({ outcome: "changed", webhook: made } as const);
  };
  const result = await runWriteJob({ job, payload, onNoOutcome }, scope, ports);
  if (result.outcome === "changed") return result.webhook;
  if (result.outcome === "not-found") throw new WebhookNotFoundError(id);
  throw notAppliedError("updateWebhook", result);
}

/** Deletes a webhook. @throws as {@link updateWebhook} does */
export async function deleteWebhook(id: string, scope: RequestScope, ports: ManageWebhooksPorts): Promise<void> {
  const job = planWriteJob("deleteWebhook", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ webhook_id: id, ...stamp });
  const isThere = async () => {
    const found = await ports.webhooks.find(id);
    return found !== null && seesWebhook(scope, found);
  };
  const notFound = () => new WebhookNotFoundError(id);
  const result = await runDeletion({ job, payload, isThere, notFound }, scope, ports);
  if (result.outcome === "deleted" || result.outcome === "gone") return;
  if (result.outcome === "not-found") throw notFound();
  throw notAppliedError("deleteWebhook", result);
}

/** Sends a test event. @returns what came of it: null when the receiver took it @throws as {@link updateWebhook} does */
export async function testWebhook(
  id: string,
  scope: RequestScope,
  ports: ManageWebhooksPorts,
): Promise<{ readonly fault: string | null }> {
  const job = planWriteJob("testWebhook", scope, ports);
  const payload = (stamp: PayloadStamp) => ({ webhook_id: id, ...stamp });
  const result = await runWriteJob({ job, payload, onNoOutcome: async () => TOO_LATE }, scope, ports);
  if (result.outcome === "delivered") return { fault: null };
  if (result.outcome === "refused") return { fault: result.detail };
  if (result.outcome === "not-found") throw new WebhookNotFoundError(id);
  throw notAppliedError("testWebhook", result);
}

/** Names are looked up when a delivery connects: here an address is looked at that stands in the URL itself. */
function refusePrivate(url: string, { webhookRules: { isPrivateAllowed } }: ManageWebhooksPorts): void {
  const fault = urlFault(url, isPrivateAllowed);
  if (fault !== null) throw new ContradictionError("refused", fault);
}
