import { firstState, summaryOf, type WebhookReader } from "@veil/webhooks";

/** How all webhooks stand. */
export interface WebhookFigures {
  /** `on` gets events, `off` was switched off by a caller, `dead` by itself. */
  readonly counts: Readonly<Record<"on" | "off" | "dead", number>>;
  /** Events that could not be delivered yet, and wait apart from the log. */
  readonly waiting: number;
  /** When the oldest event happened that a webhook which is on has not got; null when there is none. Milliseconds. */
  readonly oldestAt: number | null;
}

/** As much of the log of events as is read here. */
export interface FiguredLog {
  /** Events after a position; `at` in unix seconds. */
  read(query: { readonly after: number; readonly limit: number }): Promise<readonly { readonly at: number }[]>;
  /** The number of the last event that counts. */
  checkpoint(): Promise<number>;
}

/** @throws {StoreUnavailableError} while the store is unavailable */
export async function readWebhookFigures(
  webhooks: Pick<WebhookReader, "list" | "deliveries">,
  log: FiguredLog,
): Promise<WebhookFigures> {
  const all = await webhooks.list();
  const counts = { on: 0, off: 0, dead: 0 };
  for (const { enabled, disabledReason } of all) {
    counts[enabled ? "on" : disabledReason === null ? "off" : "dead"] += 1;
  }
  if (counts.on === 0) return { counts, waiting: 0, oldestAt: null };
  const [states, head] = await Promise.all([webhooks.deliveries(), log.checkpoint()]);
  const stateOf = new Map(states.map((state) => [state.webhookId, state]));
  const on = all
    .filter(({ enabled }) => enabled)
    .map((webhook) => stateOf.get(webhook.id) ?? summaryOf(firstState(webhook)));
  const behind = on.filter(({ cursor }) => cursor < head).map(({ cursor }) => cursor);
  const [next] = behind.length === 0 ? [] : await log.read({ after: Math.min(...behind), limit: 1 });
  const ages = [...on.flatMap(({ oldestAt }) => oldestAt ?? []), ...(next === undefined ? [] : [next.at * 1_000])];
  return {
    counts,
    waiting: on.reduce((sum, { waiting }) => sum + waiting, 0),
    oldestAt: ages.length === 0 ? null : Math.min(...ages),
  };
}
