import type { ListReply, OpenedList } from "./reply.ts";

/** Characters of a list that is gathered before it is sent, so that its tag can be made from what it says. */
const gatheredLength = 1024 * 1024;

/**
 * The answer of a list: gathered when it is short, else streamed.
 *
 * @param read makes the JSON of the list from the start
 * @param stream makes a long list anew, with its tag
 */
export function listReply(
  read: () => AsyncIterable<string>,
  stream: () => Promise<Extract<OpenedList, { readonly kind: "long" }>["list"]>,
): ListReply {
  return {
    kind: "list",
    open: async () => {
      const text = await gather(read());
      return text === null ? { kind: "long", list: await stream() } : { kind: "short", text };
    },
  };
}

async function gather(chunks: AsyncIterable<string>): Promise<string | null> {
  const gathered: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    gathered.push(chunk);
    length += chunk.length;
    if (length > gatheredLength) return null;
  }
  return gathered.join("");
}
