import { errorMessage } from "@veil/runtime";
import { hostOf, openSecret, SealBrokenError, type SendEnd, signedHeaders, type Webhook } from "@veil/webhooks";
import { Agent } from "undici";
import {
  guardedLookup,
  hostLookup,
  nameServers,
  PrivateTargetError,
  refusePrivateLiteral,
  type Resolve,
} from "./guarded-lookup.ts";

export interface WebhookSenderOptions {
  /** The key that seals secrets; null where the settings lack it. */
  readonly sealingKey: Uint8Array | null;
  readonly isPrivateAllowed: boolean;
  /** Sent as `User-Agent`. */
  readonly agent: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Finds addresses; the name servers when it is left out. */
  readonly resolve?: Resolve;
}

/** The content of a delivery: an event's id, and its JSON. */
export interface Delivered {
  readonly id: string;
  readonly body: string;
}

/** How long a receiver has to answer. */
export const SEND_TIMEOUT_MS = 10_000;
/** As much as a body may have. */
export const LARGEST_BODY_BYTES = 64 * 1_024;

/** How long a connection may take to come about, the look-up of its name among it. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** Of the answer's body so much is read, so that the connection can be used again; nothing of it is looked at. */
const READ_BYTES = 16 * 1_024;
/** A receiver that is called often keeps its connections for a while. Whoever is connected to was a public address then. */
const KEPT_ALIVE_MS = 10_000;

/** Sends events to receivers, each once. Follows no redirect, and connects to public addresses only, unless others are allowed. */
export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  readonly #agent: Agent;
  readonly #stopping = new AbortController();

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
    const { isPrivateAllowed, resolve = nameServers() } = options;
    const lookup = isPrivateAllowed ? hostLookup : guardedLookup(resolve);
    this.#agent = new Agent({
      connect: { lookup, timeout: CONNECT_TIMEOUT_MS, autoSelectFamily: true },
      keepAliveTimeout: KEPT_ALIVE_MS,
      keepAliveMaxTimeout: KEPT_ALIVE_MS,
    });
  }

  /** Sends an event and waits for the answer. Never throws. */
  async send(
    { id, body }: Delivered,
    webhook: Pick<Webhook, "id" | "url" | "sealedSecret">,
    timeoutMs = SEND_TIMEOUT_MS,
  ): Promise<SendEnd> {
    const timeUp = AbortSignal.timeout(timeoutMs);
    try {
      const { sealingKey, isPrivateAllowed, agent, now } = this.#options;
      if (sealingKey === null) return ours("WEBHOOK_SECRET_KEY is not configured");
      if (Buffer.byteLength(body) > LARGEST_BODY_BYTES) return failed("The event is larger than 64 KiB");
      const url = new URL(webhook.url);
      if (!isPrivateAllowed) refusePrivateLiteral(hostOf(url));
      const secret = openSecret(webhook.sealedSecret, webhook.id, sealingKey);
      const answer = await this.#agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": agent,
          ...signedHeaders({ id, body }, secret, now()),
        },
        body,
        signal: AbortSignal.any([timeUp, this.#stopping.signal]),
      });
      const { statusCode } = answer;
      await answer.body.dump({ limit: READ_BYTES, signal: timeUp }).catch(() => undefined);
      return statusCode >= 200 && statusCode < 300
        ? { outcome: "delivered" }
        : failed(`The receiver answered ${statusCode}`);
    } catch (error) {
      if (this.#stopping.signal.aborted) return { outcome: "cut" };
      if (error instanceof SealBrokenError)
        return ours("The secret can't be opened: WEBHOOK_SECRET_KEY is another one");
      return failed(reasonOf(error, timeUp.aborted, timeoutMs));
    }
  }

  /** Breaks off what is under way, and sends nothing any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#agent.destroy();
  }
}

function failed(error: string): SendEnd {
  return { outcome: "failed", error };
}

/** For an operator to mend: what waits is sent once it is. */
function ours(error: string): SendEnd {
  return { outcome: "failed", error, isOurs: true };
}

/** The reason in words for the caller: names the receiver's fault, and no address behind its name. */
function reasonOf(error: unknown, isTimeUp: boolean, timeoutMs: number): string {
  if (error instanceof PrivateTargetError) return "The receiver's address is a private one";
  if (isTimeUp) return `The receiver did not answer within ${timeoutMs / 1_000} seconds`;
  const code = error instanceof Error && "code" in error ? String(error.code) : errorMessage(error);
  return `The receiver can't be reached: ${code.slice(0, 100)}`;
}
