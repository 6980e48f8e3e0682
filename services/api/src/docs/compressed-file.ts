import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Request, RequestHandler } from "express";

const compressors = { br: promisify(brotliCompress), gzip: promisify(gzip) };
/** Of Brotli's 11 levels: the next ones take many times as long and save a tenth. */
const BROTLI_LEVEL = 6;

type Encoding = "br" | "gzip" | "identity";

interface Body {
  readonly bytes: Buffer;
  readonly tag: string;
}

/**
 * Serves a file that never changes. It is read and compressed when it is first asked for, and kept: compressing it for
 * every request would let anyone keep a processor busy, since documentation takes no token.
 *
 * @param maxAgeSeconds how long clients may keep it
 */
export function compressedFile(type: string, read: () => Promise<Buffer>, maxAgeSeconds: number): RequestHandler {
  const bodies = new Map<Encoding, Promise<Body>>();
  const bodyIn = (encoding: Encoding): Promise<Body> => {
    const kept = bodies.get(encoding);
    if (kept !== undefined) return kept;
    const made = makeBody(read, encoding);
    bodies.set(encoding, made);
    // What failed once may succeed for the next request.
    made.catch(() => bodies.delete(encoding));
    return made;
  };
  return async (request, response) => {
    const encoding = type.startsWith("text/") ? encodingFor(request) : "identity";
    const { bytes, tag } = await bodyIn(encoding);
    response.set({ "Cache-Control": `public, max-age=${maxAgeSeconds}`, ETag: tag });
    response.vary("Accept-Encoding");
    if (encoding !== "identity") response.set("Content-Encoding", encoding);
    response.type(type).send(bytes);
  };
}

function encodingFor(request: Request): Encoding {
  return (["br", "gzip"] as const).find((encoding) => request.acceptsEncodings(encoding) !== false) ?? "identity";
}

async function makeBody(read: () => Promise<Buffer>, encoding: Encoding): Promise<Body> {
  const plain = await read();
  const tag = `"${createHash("sha256").update(plain).digest("base64url").slice(0, 27)}-${encoding}"`;
  return { bytes: await compress(plain, encoding), tag };
}

async function compress(plain: Buffer, encoding: Encoding): Promise<Buffer> {
  if (encoding === "identity") return plain;
  if (encoding === "gzip") return compressors.gzip(plain);
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_LEVEL, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
  return compressors.br(plain, { params });
}
