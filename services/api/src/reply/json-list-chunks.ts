/** Characters gathered before they are handed on: a short list is one chunk, a long one takes bounded memory. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * The JSON of `{<name>: [...], "total": n}`, piece by piece.
 *
 * @param groups entries, some at a time
 * @param total asked for at the end; null when the number of entries is meant
 */
export async function* jsonListChunks(
  name: string,
  groups: AsyncIterable<readonly object[]>,
  total: (() => Promise<number>) | null,
): AsyncGenerator<string> {
  let chunk = `{${JSON.stringify(name)}:[`;
  let count = 0;
  for await (const group of groups) {
    for (const entry of group) {
      if (count > 0) chunk += ",";
      chunk += JSON.stringify(entry);
      count += 1;
      if (chunk.length >= CHUNK_LENGTH) {
        yield chunk;
        chunk = "";
      }
    }
  }
  yield `${chunk}],"total":${total === null ? count : await total()}}`;
}
