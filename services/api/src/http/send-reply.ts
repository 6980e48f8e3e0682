import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Request, type Response, Router } from "express";
import type { CompressedFile, Encoding } from "../reply/compressed-file.ts";
import type { ListReply, LongList, Reply } from "../reply/reply.ts";
import { sendEvents } from "./send-events.ts";
import { STALLED_READER_MS } from "./stalled-readers.ts";

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

/** Sends a file in a way that the client unpacks, or 304 when it has it. */
async function sendFile(file: CompressedFile, request: Request, response: Response): Promise<void> {
  const encoding = file.isText ? encodingFor(request) : "identity";
  const { bytes, tag } = await file.encoded(encoding);
  response.set({ "Cache-Control": `public, max-age=${file.maxAgeSeconds}`, ETag: tag });
  response.vary("Accept-Encoding");
  if (encoding !== "identity") response.set("Content-Encoding", encoding);
  response.type(file.type).send(bytes);
}

/** Serves exactly these files, each under its path. */
export function fileRoutes(files: ReadonlyMap<string, CompressedFile>): Router {
  const router = Router({ caseSensitive: true });
  for (const [path, file] of files) {
    router.get(path, (request, response) => sendFile(file, request, response));
  }
  return router;
}

function encodingFor(request: Request): Encoding {
  return (["br", "gzip"] as const).find((encoding) => request.acceptsEncodings(encoding) !== false) ?? "identity";
}
