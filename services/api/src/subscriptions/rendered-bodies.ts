import { type FormatName, noticeReason, renderSubscription } from "@veil/subscriptions";
import { LRUCache } from "lru-cache";
import type { SubscriptionSettings, SubscriptionView } from "./ports.ts";

/** Characters that are kept in all: some thousand subscriptions. */
const KEPT_CHARACTERS = 16 * 1024 * 1024;

/**
 * Bodies of subscriptions, each rendered once for a change of it: apps ask every few hours, and all of a household at once.
 * A body is found by all that it is made of, so that it can't be out of date; figures stand in headers, which are not kept.
 */
export class RenderedBodies {
  readonly #settings: SubscriptionSettings;
  readonly #bodies = new LRUCache<string, string>({
    maxSize: KEPT_CHARACTERS,
    sizeCalculation: (body, key) => body.length + key.length,
  });

  constructor(settings: SubscriptionSettings) {
    this.#settings = settings;
  }

  /** The body of a subscription in a format. */
  of(format: FormatName, view: SubscriptionView): string {
    const reason = noticeReason(view);
    const key = JSON.stringify([format, reason, reason === null ? view.connections : []]);
    const kept = this.#bodies.get(key);
    if (kept !== undefined) return kept;
    const body = renderSubscription(format, view, this.#settings);
    this.#bodies.set(key, body);
    return body;
  }
}
