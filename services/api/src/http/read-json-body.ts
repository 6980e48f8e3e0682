import { messages } from "@veil/http-contract";
import express, { type Request, type Response } from "express";
import { HttpError } from "./http-error.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a request's body as JSON. Compressed bodies are unpacked; the limit holds for what comes out.
 *
 * @param limitBytes largest body that is read
 *
 * @returns undefined when there is no body or an empty one, whatever its declared type
 * @throws {HttpError} 400 (not JSON, not UTF-8, broken off), 413 (too large), 415 (not declared as JSON, or
 * compressed in an unknown way)
 */
export async function readJsonBody(request: Request, response: Response, limitBytes: number): Promise<unknown> {
  const bytes = await readAll(request, response, limitBytes);
  if (bytes.length === 0) return undefined;
  if (!isDeclaredAsJson(request)) throw new HttpError(415, messages.unsupportedContentType);
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch {
    throw new HttpError(400, messages.malformedJson);
  }
}

async function readAll(request: Request, response: Response, limitBytes: number): Promise<Buffer> {
  const readBytes = express.raw({ type: () => true, limit: limitBytes });
  await new Promise<void>((resolve, reject) => {
    readBytes(request, response, (error?: unknown) =>
      error === undefined ? resolve() : reject(readError(error, limitBytes)),
    );
  });
  const body: unknown = request.body;
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** Express names the fault in `type`; everything else is a body that breaks off or can't be unpacked. */
function readError(error: unknown, limitBytes: number): HttpError {
  switch (error instanceof Error && "type" in error ? error.type : undefined) {
    case "entity.too.large":
      return new HttpError(413, messages.bodyTooLarge(limitBytes));
    case "encoding.unsupported":
      return new HttpError(415, messages.unsupportedContentEncoding);
    default:
      return new HttpError(400, messages.unreadableBody);
  }
}

function isDeclaredAsJson(request: Request): boolean {
  if (!request.is(["json", "+json"])) return false;
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(request.get("Content-Type") ?? "")?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}
