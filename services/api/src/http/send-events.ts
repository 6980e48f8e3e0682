import { once } from "node:events";
import type { LoggedEvent } from "@veil/events";
import { eventBody, messages } from "@veil/http-contract";
import type { Request, Response } from "express";
import type { EventsReply } from "../reply/reply.ts";
import { HttpError } from "./http-error.ts";
import { requestContext } from "./request-context.ts";
import { STALLED_READER_MS } from "./stalled-readers.ts";

/** A comment, so that proxies and clients see that the connection is alive, and so soon is a dead one noticed. */
const HEARTBEAT_MS = 15_000;
/**
 * The API's knowledge of a token may be a second old, and a look takes half a second at most: within two seconds all is
 * over.
 */
const CHECK_CALLER_EVERY_MS = 500;
const RECONNECT_AFTER_MS = 2_000;

const HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  // Neither kept nor held back to be compressed.
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
} as const;

/** Answers a list of events, or all that come, as the caller accepts it. */
export async function sendEvents(reply: EventsReply, request: Request, response: Response): Promise<void> {
  if (!/(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(request.get("Accept") ?? "")) {
    response.status(200).json(await reply.list());
    return;
  }
  const after = lastEventId(request);
  if (request.method === "HEAD") {
    response.status(200).set(HEADERS).end();
    return;
  }
  const stream = reply.follow(after);
  response.status(200).set(HEADERS);
  await writeStream(stream, request, response);
}

async function writeStream(
  stream: AsyncGenerator<readonly LoggedEvent[]>,
  request: Request,
  response: Response,
): Promise<void> {
  const context = requestContext(request);
  context.answeredAt = performance.now();
  const over = new AbortController();
  // The caller may have gone while the token was looked up.
  if (response.closed) over.abort();
  else response.once("close", () => over.abort());
  const heartbeat = setInterval(() => response.write(":\n\n"), HEARTBEAT_MS);
  const check = setInterval(() => {
    // While nobody can say, those who were let in go on.
    const isAllowed = context.isStillAllowed().catch(() => true);
    void isAllowed.then((allowed) => allowed || endStream(response));
  }, CHECK_CALLER_EVERY_MS);
  try {
    response.write(`retry: ${RECONNECT_AFTER_MS}\n\n`);
    for await (const events of stream) {
      if (over.signal.aborted || response.writableEnded) return;
      const isTaken = events.length === 0 || response.write(events.map(textOf).join(""));
      if (!isTaken) await drained(response, over.signal);
    }
  } finally {
    clearInterval(heartbeat);
    clearInterval(check);
    response.end();
  }
}

/** A slow reader is waited for: no more is read from the store meanwhile. One that takes nothing leaves its place to others. */
async function drained(response: Response, over: AbortSignal): Promise<void> {
  const stalled = setTimeout(() => response.destroy(), STALLED_READER_MS);
  await once(response, "drain", { signal: over }).catch(() => undefined);
  clearTimeout(stalled);
}

/** Nothing is kept for a caller who has not taken all by the next look. */
function endStream(response: Response): void {
  if (response.writableEnded) response.destroy();
  else response.end();
}

function textOf(event: LoggedEvent): string {
  return `id: ${event.seq}\ndata: ${JSON.stringify(eventBody(event))}\n\n`;
}

/** @throws {HttpError} 400 when it is no number that an event has */
function lastEventId(request: Request): number | null {
  const text = request.get("Last-Event-ID");
  if (text === undefined || text === "") return null;
  const seq = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(seq)) throw new HttpError(400, messages.lastEventIdMalformed);
  return seq;
}
