import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Request, Response } from "express";
import type { ListReply, LongList, Reply } from "../reply/reply.ts";
import { sendEvents } from "./send-events.ts";
import { sendFile } from "./send-file.ts";

/** A reader that takes nothing for so long holds a cursor for nobody. */
const STALLED_READER_MS = 30_000;

/** Writes an answer. Rejects when a stream fails: before its first chunk nothing has been sent yet. */
export async function sendReply(reply: Reply, request: Request, response: Response): Promise<void> {
  switch (reply.kind) {
    case "json":
      response
        .status(reply.status)
        .set(reply.headers ?? {})
        .json({ ...reply.body, ...reply.shownOnce });
      return;
    case "page":
      response.status(200).set(reply.headers).type("html").send(reply.html);
      return;
    case "picture":
      response.status(200).type(reply.contentType).send(reply.content);
      return;
    case "file":
      return sendFile(reply.file, request, response);
    case "list":
      return sendList(reply, request, response);
    case "events":
      return sendEvents(reply, request, response);
    case "hang-up":
      request.socket.destroy();
  }
}

async function sendList({ open }: ListReply, request: Request, response: Response): Promise<void> {
  if (request.method === "HEAD") {
    response.status(200).type("json").end();
    return;
  }
  const opened = await open();
  response.status(200).type("json");
  if (opened.kind === "short") {
    response.send(opened.text);
    return;
  }
  try {
    await sendLong(opened.list, request, response);
  } finally {
    opened.list.close();
  }
}

async function sendLong({ tag, chunks }: LongList, request: Request, response: Response): Promise<void> {
  if (tag !== null) response.set("ETag", tag);
  if (request.fresh) {
    response.removeHeader("Content-Type");
    response.status(304).end();
    return;
  }
  await sendStream(chunks, response);
}

async function sendStream(chunks: AsyncIterable<string>, response: Response): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  response.setTimeout(STALLED_READER_MS, () => response.destroy());
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
