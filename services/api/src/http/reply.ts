/**
 * What an operation answers, apart from any framework, so that an answer can be stored, repeated or delivered later.
 */
export type Reply = JsonReply | PageReply | StreamReply | HangUpReply;

export interface JsonReply {
  readonly kind: "json";
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PageReply {
  readonly kind: "page";
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** JSON with status 200, made while it is sent. A failure before the first chunk is still an ordinary error. */
interface StreamReply {
  readonly kind: "stream";
  readonly chunks: AsyncIterable<string>;
}

/** No answer at all: the connection is closed, because any answer might be wrong. */
export interface HangUpReply {
  readonly kind: "hang-up";
}

/** An answer with status 200. */
export function ok(body: object): JsonReply {
  return { kind: "json", status: 200, body };
}
