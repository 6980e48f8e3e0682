import { setTimeout as delay } from "node:timers/promises";
import type { ServiceName } from "@veil/engines";
import { StackStartError } from "./stack-context.ts";

const ANSWER_WITHIN_MS = 5_000;
const TRY_AGAIN_AFTER_MS = 100;

export interface ReadyOptions {
  /** Base URL of the API. */
  url: string;
  /** Where each service shows its metrics; `/readyz` lies beside them. */
  metrics: ReadonlyArray<{ service: ServiceName; url: string }>;
  /** Milliseconds within which everything must be ready. */
  withinMs: number;
  signal: AbortSignal;
}

/** Resolves when something is as it should be. Otherwise it rejects and says what is missing. */
type Check = (signal: AbortSignal) => Promise<void>;

/**
 * Waits until a create succeeds at once: the API takes requests, the worker has brought the users of one node in order,
 * and every service reaches Redis and MongoDB. One node is enough, as it is for a create; others may be away.
 *
 * It asks for nothing but what leaves no trace. A key made for a trial would use up an id for ever, and the trial would
 * have to come through the public door, which `ALLOWED_IPS` may close to this machine.
 *
 * @throws {StackStartError} that says what was missing when it is not so in time.
 */
export async function waitUntilReady(options: ReadyOptions): Promise<void> {
  const deadline = performance.now() + options.withinMs;
  for (const check of checksOf(options)) await untilPassed(check, deadline, options.signal);
}

/** In an order in which none asks a service before it is up, which would log failures there. */
function checksOf({ url, metrics }: ReadyOptions): Check[] {
  return [
    async (signal) => void (await read(`${url}/`, "the API", signal)),
    ...metrics.filter(({ service }) => service === "xray-worker").map((worker) => nodeInOrder(worker.url)),
    ...metrics.map((one): Check => {
      const page = new URL("/readyz", one.url).href;
      return async (signal) => void (await read(page, one.service, signal));
    }),
  ];
}

const PASSED_OVER_A_NODE = /^veil_reconcile_total\{[^}]*result="ok"[^}]*\} [1-9]/m;

function nodeInOrder(metricsUrl: string): Check {
  return async (signal) => {
    const page = await read(metricsUrl, "xray-worker", signal);
    if (!PASSED_OVER_A_NODE.test(page)) throw new Error("xray-worker has reconciled no Xray node yet");
  };
}

async function untilPassed(check: Check, deadline: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await check(AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]));
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() > deadline) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new StackStartError(`Not everything is ready: ${reason}. The logs say more.`, { cause: error });
      }
      // The reason of the abort is the error to throw; the pause would only say that it was aborted.
      await delay(TRY_AGAIN_AFTER_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

async function read(url: string, who: string, signal: AbortSignal): Promise<string> {
  const answer = await fetch(url, { signal }).catch((cause: unknown) => {
    throw new Error(`${who} does not answer at ${url}`, { cause });
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${who} answered ${answer.status} ${text.slice(0, 200)} at ${url}`);
  return text;
}
