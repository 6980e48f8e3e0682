/** An event of the log, as a webhook delivers it. */
export interface WebhookEvent {
  /** Position in the log: ascends, and no smaller one appears after a greater one was read. */
  readonly seq: number;
  /** The event's own id, the same with every delivery: `webhook-id`. */
  readonly id: string;
  readonly type: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The entity it is about, such as `key:17`: events with the same subject are delivered in order. */
  readonly subject: string;
  /** Whose key it is about; null when nobody's. */
  readonly owner: string | null;
  /** The event as JSON, as `GET /api/events` shows it. */
  readonly body: string;
}

/** The log of events, as deliveries read it. Throws StoreUnavailableError while the store is unavailable. */
export interface WebhookEvents {
  /** Events after a position, ascending. */
  after(seq: number, limit: number): Promise<readonly WebhookEvent[]>;
  /** Those of the positions that the log still has, ascending. */
  find(seqs: readonly number[]): Promise<readonly WebhookEvent[]>;
  /** The last position, 0 for an empty log. */
  head(): Promise<number>;
}

/** Whether a webhook gets an event. */
export function isMeant(
  { type, owner }: Pick<WebhookEvent, "type" | "owner">,
  webhook: { readonly types: readonly string[]; readonly owner: string | null },
): boolean {
  if (webhook.owner !== null && webhook.owner !== owner) return false;
  return webhook.types.some((wanted) => {
    if (wanted === "*" || wanted === type) return true;
    return wanted.endsWith(".*") && type.startsWith(wanted.slice(0, -1));
  });
}
