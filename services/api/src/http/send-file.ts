import { type Request, type Response, Router } from "express";
import type { CompressedFile, Encoding } from "../reply/compressed-file.ts";

/** Sends a file in a way that the client unpacks, or 304 when it has it. */
export async function sendFile(file: CompressedFile, request: Request, response: Response): Promise<void> {
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
