import { type FormatName, renderSubscription } from "@veil/subscriptions";
import { LRUCache } from "lru-cache";
import type { SubscriptionSettings, SubscriptionView } from "./ports.ts";

/** Characters that are kept in all: some thousand subscriptions. */
const KEPT_CHARACTERS = 16 * 1024 * 1024;

/**
 * Bodies of subscriptions, each rendered once for a change of it: apps ask every few hours, and all of a household at once.
 * What goes into headers is not kept, since traffic moves.
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
  of(token: string, format: FormatName, view: SubscriptionView): string {
    // A status changes by the clock alone, without a revision.
    const key = JSON.stringify([token, format, view.revision, view.key.status, view.refusal, view.connections.length]);
    const kept = this.#bodies.get(key);
    if (kept !== undefined) return kept;
    const body = renderSubscription(format, view, this.#settings);
    this.#bodies.set(key, body);
    return body;
  }
}
