import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { StackStartError } from "./stack-errors.ts";

const keySchema = z.object({ key_id: z.number().int() });

const ANSWER_WITHIN_MS = 15_000;
const TRY_AGAIN_AFTER_MS = 200;

export interface RoundTripOptions {
  /** Base URL of the API. */
  url: string;
  apiKey: string;
  /** Milliseconds until which it must have worked once. */
  withinMs: number;
  signal: AbortSignal;
}

/**
 * Creates a key and deletes it again, through all parts of the system; tries until it works.
 *
 * @throws StackStartError with the last answer when it does not work in time.
 */
export async function waitForRoundTrip(options: RoundTripOptions): Promise<void> {
  const deadline = Date.now() + options.withinMs;
  const keyId = await untilDeadline(deadline, options, async () => {
    const answer = await call(options, "POST", "/api/keys", { name: "start check" });
    return keySchema.parse(answer).key_id;
  });
  await untilDeadline(deadline, options, () => call(options, "DELETE", `/api/keys/${keyId}`));
}

async function untilDeadline<T>(deadline: number, { signal }: RoundTripOptions, step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      signal.throwIfAborted();
      if (Date.now() > deadline) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new StackStartError(`A key could not be created and deleted: ${reason}. The logs say more.`, {
          cause: error,
        });
      }
      await delay(TRY_AGAIN_AFTER_MS, undefined, { signal });
    }
  }
}

async function call(options: RoundTripOptions, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(options.url + path, {
    method,
    headers: { authorization: `Bearer ${options.apiKey}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.any([options.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status} ${text.slice(0, 200)}`);
  return JSON.parse(text);
}
