import type { ListReply, LongList } from "./reply.ts";

/** A list that is read from its store. */
export interface ListRead {
  readonly chunks: AsyncIterable<string>;
  /** The tag of what was read, once all chunks were; null for a list that has none. */
  readonly tag: () => string | null;
}

/** Characters of a list that is handed on as one text. */
const SHORT_LENGTH = 1024 * 1024;
/** Characters of a longer list that is buffered before it is sent, so that one pass makes both its tag and its text. */
const BUFFERED_LENGTH = 12 * 1024 * 1024;
/** Characters that such lists may hold together; what does not fit is streamed. */
const BUFFERED_IN_ALL = 2 * BUFFERED_LENGTH;

let buffered = 0;

/**
 * The answer of a list: buffered unless it is very long or many are buffered already, else streamed.
 *
 * @param read reads the list from the start
 * @param stream reads a list anew whose tag is known before its first chunk
 */
export function listReply(read: () => ListRead, stream: () => Promise<Omit<LongList, "close">>): ListReply {
  return {
    kind: "list",
    open: async () => {
      const list = read();
      const chunks: string[] = [];
      const length = await buffer(list.chunks, chunks);
      if (length === "too-long") return { kind: "long", list: { ...(await stream()), close: () => undefined } };
      let held = length;
      if (held === 0) return { kind: "short", text: chunks.join("") };
      const close = () => {
        buffered -= held;
        held = 0;
      };
      return { kind: "long", list: { tag: list.tag(), chunks: handOn(chunks), close } };
    },
  };
}

/** @returns how many characters count as held until the list is closed: none of a short list */
async function buffer(source: AsyncIterable<string>, chunks: string[]): Promise<number | "too-long"> {
  let held = 0;
  let length = 0;
  let isWhole = false;
  try {
    for await (const chunk of source) {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= SHORT_LENGTH) continue;
      if (length > BUFFERED_LENGTH || buffered + chunk.length > BUFFERED_IN_ALL) return "too-long";
      held += chunk.length;
      buffered += chunk.length;
    }
    isWhole = true;
    return held;
  } finally {
    if (!isWhole) buffered -= held;
  }
}

/** Lets go of every chunk as it is taken. */
async function* handOn(chunks: string[]): AsyncGenerator<string> {
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) yield chunk;
}

/** Characters buffered before they are handed on: a short list is one chunk, a long one takes bounded memory. */
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
