import type { RememberedJobs } from "@veil/idempotency";

/** A receiver of events, as it is stored. */
export interface Webhook extends RememberedJobs {
  readonly id: string;
  /** Where events are sent by POST. */
  readonly url: string;
  /** The events it gets: names like `key.created`, families like `key.*`, or `*`. */
  readonly types: readonly string[];
  /** Whose keys' events it gets; null for everybody's. */
  readonly owner: string | null;
  /** The secret that events are signed with, sealed; see `sealSecret`. */
  readonly sealedSecret: string;
  readonly enabled: boolean;
  /** Why it was switched off by itself; null when it was not. */
  readonly disabledReason: string | null;
  /** Milliseconds since the epoch when it was last switched on, by its creation or a change. */
  readonly enabledAt: number;
  /** The last position of the log when it was made: what came after it is delivered. */
  readonly fromSeq: number;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Goes up with every change. */
  readonly revision: number;
}

/** A webhook as it is made. */
export type NewWebhook = Pick<Webhook, "id" | "url" | "types" | "owner" | "sealedSecret" | "createdAt">;

/** The changeable fields of a webhook; missing ones stay. */
export type WebhookChange = Partial<Pick<Webhook, "url" | "types" | "enabled">>;

/** As many there are at most without an owner: each may have deliveries of its own under way. */
export const MOST_WEBHOOKS = 100;
/** As many each owner has at most, whatever others have. */
export const MOST_WEBHOOKS_OF_OWNER = 10;

/** As many there are at most, of all owners: those of owners whose tokens are gone stay until somebody deletes them. */
export const MOST_WEBHOOKS_IN_ALL = 1_000;

/** How many webhooks with this owner there may be. @param owner null for those without one */
export function mostWebhooksOf(owner: string | null): number {
  return owner === null ? MOST_WEBHOOKS : MOST_WEBHOOKS_OF_OWNER;
}

/** Characters. */
export const LONGEST_URL = 2_048;

const PREFIX = "webhook:";

/** Names a webhook where events are looked for. */
export function webhookSubject(id: string): string {
  return `${PREFIX}${id}`;
}

/** Null for the subject of something else. */
export function webhookIdOfSubject(subject: string): string | null {
  return subject.startsWith(PREFIX) ? subject.slice(PREFIX.length) : null;
}

/** The id of the event that a webhook was switched off. @param revision that it has since then */
export function webhookOffId(id: string, revision: number): string {
  return `${id}-${revision}`;
}

/** Of which webhook and revision an event tells; null when the text is no id of one. */
export function partsOfWebhookOffId(eventId: string): { readonly id: string; readonly revision: number } | null {
  const [, id, revision] = /^(.+)-(\d+)$/.exec(eventId) ?? [];
  return id === undefined ? null : { id, revision: Number(revision) };
}
