import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Caller } from "./caller.ts";

/** Bots wait so long before they repeat what was not answered. */
export const AGAIN_AFTER_MS = 300;

/**
 * Sends a write again until it is answered with 200, always with the same `Idempotency-Key`. A deletion may be answered 404.
 *
 * @throws when anything else is not there, or the request itself is wrong
 */
export async function untilAnswered(caller: Caller, method: string, path: string, body?: object): Promise<unknown> {
  const repeatKey = randomUUID();
  while (true) {
    const { outcome } = await caller.write(method, path, body, repeatKey);
    if (outcome.kind === "answered") return outcome.value;
    // A deletion that could not be answered in time goes on by itself.
    if (outcome.kind === "refused" && outcome.status === 404 && method === "DELETE") return null;
    if (outcome.kind === "refused" && FINAL.has(outcome.status))
      throw new Error(`${method} ${path} was answered ${outcome.detail}`);
    await sleep(AGAIN_AFTER_MS);
  }
}

const FINAL: ReadonlySet<number> = new Set([400, 404, 422]);
