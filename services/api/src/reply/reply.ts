import type { LoggedEvent } from "@veil/events";
import type { CompressedFile } from "./compressed-file.ts";

/**
 * The answer of an operation, apart from any framework, so that it can be stored, repeated or delivered later.
 */
export type Reply = JsonReply | PageReply | PictureReply | FileReply | ListReply | EventsReply | HangUpReply;

/** The outcome of a write, as it is stored and given to every repeat. */
export interface Outcome {
  /** An HTTP status: below 300 the write was done. */
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** The status of an answer that was too long to be stored: this one stands in its place. */
  readonly unkept?: number;
  /** Further fields of the body for the request that did the write: they are never stored, and no repeat gets them. */
  readonly shownOnce?: object;
}

export interface JsonReply extends Outcome {
  readonly kind: "json";
}

export interface PageReply {
  readonly kind: "page";
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PictureReply {
  readonly kind: "picture";
  readonly contentType: "image/svg+xml" | "image/png";
  readonly content: string | Uint8Array;
}

export interface FileReply {
  readonly kind: "file";
  readonly file: CompressedFile;
}

/** JSON with status 200 that may be too long to be held. A failure before the first chunk is still an ordinary error. */
export interface ListReply {
  readonly kind: "list";
  readonly open: () => Promise<OpenedList>;
}

export type OpenedList =
  | { readonly kind: "short"; readonly text: string }
  | { readonly kind: "long"; readonly list: LongList };

export interface LongList {
  readonly tag: string | null;
  readonly chunks: AsyncIterable<string>;
  /** Gives back what the list holds, whether its chunks were taken or not. To be called by whoever opened it. */
  readonly close: () => void;
}

/** Events: a part of them as JSON, or all that come as a stream. */
export interface EventsReply {
  readonly kind: "events";
  readonly list: () => Promise<object>;
  /** @param lastEventId `seq` of the last event that the caller has; null when it does not say */
  readonly follow: (lastEventId: number | null) => AsyncGenerator<readonly LoggedEvent[]>;
}

/** No answer at all: the connection is closed, because any answer might be wrong. */
export interface HangUpReply {
  readonly kind: "hang-up";
}

/** An answer with status 200. */
export function ok(body: object): JsonReply {
  return { kind: "json", status: 200, body };
}
