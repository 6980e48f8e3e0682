import { createHash } from "node:crypto";
import type { DeliverySummary } from "@veil/webhooks";
import { SEND_TIMEOUT_MS } from "./webhook-sender.ts";

/** A job delivers for so long before the next one of its webhook waits its turn. */
export const DELIVERY_RUN_MS = 5_000;
/** A receiver that takes longer to answer is slow: its job holds a place for some seconds, and delivers little in them. */
export const SLOW_MS = 2_000;
/** So many webhooks with slow receivers are delivered to together; while they change, those before them end: twice as many. */
export const SLOW_TOGETHER = 32;
/** What is under way when a turn is over is waited for. */
const CHANGED_EVERY_MS = DELIVERY_RUN_MS + SEND_TIMEOUT_MS;

/**
 * Of webhooks with something due, those whose jobs are to be entered now: all whose receivers answer soon, and some of the others.
 * When more of these are due than have room, chance says who is next, the same in every worker.
 *
 * @param now milliseconds since the epoch
 */
export function admitted(
  due: readonly Pick<DeliverySummary, "webhookId" | "isSlow">[],
  now: number,
): readonly Pick<DeliverySummary, "webhookId">[] {
  const slow = due.filter(({ isSlow }) => isSlow);
  if (slow.length <= SLOW_TOGETHER) return due;
  const period = Math.floor(now / CHANGED_EVERY_MS);
  const drawn = slow.map((each) => ({ each, lot: lotOf(each.webhookId, period) }));
  const next = drawn.toSorted((a, b) => (a.lot < b.lot ? -1 : 1)).slice(0, SLOW_TOGETHER);
  return [...due.filter(({ isSlow }) => !isSlow), ...next.map(({ each }) => each)];
}

function lotOf(webhookId: string, period: number): string {
  return createHash("sha256").update(`${period} ${webhookId}`).digest("hex");
}
