import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const compressors = { br: promisify(brotliCompress), gzip: promisify(gzip) };
/** Of Brotli's 11 levels: the next ones take many times as long and save a tenth. */
const BROTLI_LEVEL = 6;

export type Encoding = "br" | "gzip" | "identity";

/** A file as it goes over the wire. */
export interface EncodedFile {
  readonly bytes: Buffer;
  readonly tag: string;
}

/**
 * A file that never changes while the process runs. It is read and compressed when it is first asked for, and kept: compressing
 * it for every request would let anyone keep a processor busy, since documentation takes no token.
 */
export class CompressedFile {
  readonly type: string;
  /** How long clients may keep it. */
  readonly maxAgeSeconds: number;
  readonly #read: () => Promise<Buffer>;
  readonly #encoded = new Map<Encoding, Promise<EncodedFile>>();

  /** @param type media type; images are sent as they are */
  constructor(type: string, maxAgeSeconds: number, read: () => Promise<Buffer>) {
    this.type = type;
    this.maxAgeSeconds = maxAgeSeconds;
    this.#read = read;
  }

  /** Whether compressing makes it smaller. */
  get isText(): boolean {
    return !this.type.startsWith("image/");
  }

  encoded(encoding: Encoding): Promise<EncodedFile> {
    const kept = this.#encoded.get(encoding);
    if (kept !== undefined) return kept;
    const made = encode(this.#read, encoding);
    this.#encoded.set(encoding, made);
    // A failed encoding may succeed for the next request.
    made.catch(() => this.#encoded.delete(encoding));
    return made;
  }
}

async function encode(read: () => Promise<Buffer>, encoding: Encoding): Promise<EncodedFile> {
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
