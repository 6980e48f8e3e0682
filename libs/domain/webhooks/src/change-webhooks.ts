import { knowsWriteOf, mayBeRepeated, remember } from "@veil/idempotency";
import type { WebhookStore } from "./ports.ts";
import { MOST_WEBHOOKS_IN_ALL, mostWebhooksOf, type NewWebhook, type Webhook, type WebhookChange } from "./webhook.ts";
import type { WebhookEvents } from "./webhook-event.ts";

/** The ports that the changes of webhooks need. */
export interface WebhookPorts {
  readonly webhooks: WebhookStore;
  readonly events: Pick<WebhookEvents, "head">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface WebhookJob {
  /** Id of the job. */
  readonly job: string;
  /** Milliseconds since the epoch; nothing is begun after it. */
  readonly deadline: number;
}

interface OfOneWebhook {
  readonly id: string;
  /** Whose webhooks whoever asks for it sees; null for all. */
  readonly owner: string | null;
}

/** The deadline had passed: nothing was done. */
interface TooLate {
  readonly outcome: "too-late";
}

type CreateWebhookResult =
  | { readonly outcome: "created"; readonly webhook: Webhook }
  /** There are as many as there may be: of all owners, or of this one. */
  | { readonly outcome: "too-many"; readonly most: number }
  /** An earlier write of the same `Idempotency-Key` had its id. */
  | { readonly outcome: "taken"; readonly detail: string }
  | TooLate;
export type ChangeWebhookResult =
  | { readonly outcome: "changed"; readonly webhook: Webhook }
  | { readonly outcome: "not-found" }
  | TooLate;
type DeleteWebhookResult = { readonly outcome: "deleted" } | { readonly outcome: "not-found" } | TooLate;

/**
 * Makes a webhook, which gets what happens from now on. May run twice: its id follows from its write, so that one of this id is its own,
 * unless the write is over by now and another one has come under its `Idempotency-Key`.
 */
export async function createWebhook(
  { job, deadline, webhook }: WebhookJob & { readonly webhook: NewWebhook },
  { webhooks, events, now }: WebhookPorts,
): Promise<CreateWebhookResult> {
  const found = await webhooks.find(webhook.id);
  if (found !== null)
    return mayBeRepeated(job, found.createdAt, now()) ? { outcome: "created", webhook: found } : madeBefore(found);
  if (now() > deadline) return { outcome: "too-late" };
  const all = await webhooks.list();
  if (all.length >= MOST_WEBHOOKS_IN_ALL) return { outcome: "too-many", most: MOST_WEBHOOKS_IN_ALL };
  const most = mostWebhooksOf(webhook.owner);
  if (all.filter(({ owner }) => owner === webhook.owner).length >= most) return { outcome: "too-many", most };
  const fromSeq = await events.head();
  const made: Webhook = {
    ...webhook,
    enabled: true,
    disabledReason: null,
    enabledAt: now(),
    fromSeq,
    revision: 1,
    ...remember({ jobs: [] }, job, now()),
  };
  const end = await webhooks.insert(made);
  if (end === "inserted") return { outcome: "created", webhook: made };
  // Another attempt came first; or it is deleted, and its id kept until that it was switched off is logged.
  const first = await webhooks.find(webhook.id);
  return first === null ? madeBefore(made) : { outcome: "created", webhook: first };
}

function madeBefore({ id }: Pick<Webhook, "id">): CreateWebhookResult {
  return {
    outcome: "taken",
    detail: `webhook ${id} was made by such a request before: to make another one, use a new Idempotency-Key`,
  };
}

/** Changes a webhook: all of it or nothing. May run twice: the second time it finds what it did, and changes nothing. */
export async function changeWebhook(
  { job, deadline, id, owner, change }: WebhookJob & OfOneWebhook & { readonly change: WebhookChange },
  { webhooks, now }: Pick<WebhookPorts, "webhooks" | "now">,
): Promise<ChangeWebhookResult> {
  for (;;) {
    const found = await webhooks.find(id);
    if (found === null || !isSeen(owner, found)) return { outcome: "not-found" };
    if (knowsWriteOf(found, job, now())) return { outcome: "changed", webhook: found };
    if (now() > deadline) return { outcome: "too-late" };
    const isSwitchedOn = change.enabled === true && !found.enabled;
    const webhook: Webhook = {
      ...found,
      ...change,
      ...(change.enabled !== undefined && { disabledReason: null }),
      ...(isSwitchedOn && { enabledAt: now() }),
      revision: found.revision + 1,
      ...remember(found, job, now()),
    };
    if ((await webhooks.replace(webhook, found.revision)) === "replaced") return { outcome: "changed", webhook };
  }
}

/** Deletes a webhook. Delivered again it may find that it has done so. */
export async function deleteWebhook(
  { id, owner, deadline, redelivered }: Omit<WebhookJob, "job"> & OfOneWebhook & { readonly redelivered: boolean },
  { webhooks, now }: Pick<WebhookPorts, "webhooks" | "now">,
): Promise<DeleteWebhookResult> {
  const found = await webhooks.find(id);
  if (found === null) return { outcome: redelivered ? "deleted" : "not-found" };
  if (!isSeen(owner, found)) return { outcome: "not-found" };
  if (now() > deadline) return { outcome: "too-late" };
  const isGone = (await webhooks.remove(id)) || redelivered;
  return { outcome: isGone ? "deleted" : "not-found" };
}

/**
 * Switches off a webhook whose receiver is dead, unless it was changed since it was read; the event of it is born in the same
 * write.
 *
 * @returns whether it is switched off now, by this call
 */
export async function switchOff(
  webhook: Webhook,
  reason: string,
  { webhooks, now }: Pick<WebhookPorts, "webhooks" | "now">,
): Promise<boolean> {
  const off = { ...webhook, enabled: false, disabledReason: reason, revision: webhook.revision + 1 };
  const at = Math.floor(now() / 1_000);
  return (await webhooks.replace(off, webhook.revision, { at, reason })) === "replaced";
}

/** Whether a caller sees a webhook: those of other owners are not there for it. */
function isSeen(owner: string | null, webhook: Webhook): boolean {
  return owner === null || owner === webhook.owner;
}
