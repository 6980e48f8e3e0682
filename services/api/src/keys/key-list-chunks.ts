import type { KeyFacts } from "../ports.ts";
import { keyBody } from "./key-body.ts";

/** Characters gathered before they are handed on: a short list is one chunk, a long one takes bounded memory. */
const chunkLength = 64 * 1024;

/** The JSON of a list of keys, piece by piece, with their number at the end. */
export async function* keyListChunks(keys: AsyncIterable<KeyFacts>, shortId: string): AsyncGenerator<string> {
  let chunk = '{"keys":[';
  let total = 0;
  for await (const key of keys) {
    if (total > 0) chunk += ",";
    chunk += JSON.stringify(keyBody(key, shortId));
    total += 1;
    if (chunk.length >= chunkLength) {
      yield chunk;
      chunk = "";
    }
  }
  yield `${chunk}],"total":${total}}`;
}
