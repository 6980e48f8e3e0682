import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Request, Response } from "express";
import type { Reply } from "./reply.ts";

/** A reader that takes nothing for so long holds a cursor for nobody. */
const stalledReaderMs = 30_000;

/** Writes an answer. Rejects when a stream fails: before its first chunk nothing has been sent yet. */
export async function sendReply(reply: Reply, request: Request, response: Response): Promise<void> {
  switch (reply.kind) {
    case "json":
      response
        .status(reply.status)
        .set(reply.headers ?? {})
        .json(reply.body);
      return;
    case "page":
      response.status(200).set(reply.headers).type("html").send(reply.html);
      return;
    case "stream":
      return sendStream(reply.chunks, request, response);
    case "hang-up":
      request.socket.destroy();
  }
}

async function sendStream(chunks: AsyncIterable<string>, request: Request, response: Response): Promise<void> {
  response.status(200).type("json");
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  response.setTimeout(stalledReaderMs, () => response.destroy());
  await pipeline(Readable.from(resume(first, iterator), { highWaterMark: 1 }), response);
}

/** Continues an iteration whose first step was taken; leaving it early ends the source, and with it its cursor. */
async function* resume(first: IteratorResult<string>, iterator: AsyncIterator<string>): AsyncGenerator<string> {
  try {
    for (let step = first; step.done !== true; step = await iterator.next()) yield step.value;
  } finally {
    await iterator.return?.();
  }
}
