import { ConfigInvalidError } from "./errors.ts";

/** A text with the places of its JSON values, so that a part of it can be changed and the rest left byte for byte. */
export interface JsonSource {
  readonly text: string;
  /** The same text with a space for every character of a comment: places in it are places in `text`. */
  readonly bare: string;
  readonly root: JsonSpan;
}

export type JsonSpan = ObjectSpan | ListSpan | ScalarSpan;

interface Place {
  /** Of the first character. */
  readonly start: number;
  /** Behind the last character. */
  readonly end: number;
}
export interface ObjectSpan extends Place {
  readonly kind: "object";
  readonly members: readonly { readonly name: string; readonly value: JsonSpan }[];
}
export interface ListSpan extends Place {
  readonly kind: "list";
  readonly items: readonly JsonSpan[];
}
export interface ScalarSpan extends Place {
  readonly kind: "scalar";
}

/**
 * Reads JSON with the comments that Xray allows.
 *
 * @throws {ConfigInvalidError} when it is none. Nothing of the text is quoted: it holds secrets.
 */
export function readJson(text: string): JsonSource {
  const bare = blankComments(text);
  try {
    JSON.parse(bare);
  } catch {
    throw new ConfigInvalidError(faultOf(bare));
  }
  return { text, bare, root: new SpanReader(bare).read() };
}

/** Xray reads the first value and never looks at what follows, so such a file works, and nobody knows what was meant. */
function faultOf(bare: string): string {
  try {
    const { end } = new SpanReader(bare).read();
    JSON.parse(bare.slice(0, end));
    const behind = end + bare.slice(end).search(/\S/);
    return `text stands behind its last brace, ${lineAt(bare, behind)}`;
  } catch {
    return "it is no valid JSON";
  }
}

/** Where a value stands, in words for a human. */
export function placeOf({ bare }: JsonSource, { start }: JsonSpan): string {
  return lineAt(bare, start);
}

function lineAt(text: string, index: number): string {
  return `in line ${text.slice(0, index).split("\n").length}`;
}

/** The value at a place. */
export function valueAt(source: JsonSource, { start, end }: JsonSpan): unknown {
  return JSON.parse(source.bare.slice(start, end));
}

const stringsAndComments = /"[^"\\]*(?:\\.[^"\\]*)*"|\/\/[^\n]*|#[^\n]*|\/\*.*?(?:\*\/|$)/gs;

/** Xray takes `//` and `#` to the end of a line and `/* … *\/`, and neither within a string. */
function blankComments(text: string): string {
  return text.replace(stringsAndComments, (found) => (found.startsWith('"') ? found : found.replace(/[^\n]/g, " ")));
}

/**
 * Finds the places of the values in a text that is known to be valid JSON.
 *
 * By hand: `parseTree` of jsonc-parser 3.3.1 blocks the event loop 2.4 times as long, 1.1 s instead of 0.45 s for 50,000
 * clients on a busy machine, and knows no `#`.
 */
class SpanReader {
  readonly #bare: string;
  readonly #token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;

  constructor(bare: string) {
    this.#bare = bare;
  }

  read(): JsonSpan {
    return this.#value(this.#next());
  }

  #value(first: RegExpExecArray): JsonSpan {
    if (first[0] === "{") return this.#object(first.index);
    if (first[0] === "[") return this.#list(first.index);
    return { kind: "scalar", start: first.index, end: this.#token.lastIndex };
  }

  #object(start: number): ObjectSpan {
    const members: { name: string; value: JsonSpan }[] = [];
    for (let token = this.#next(); token[0] !== "}"; token = this.#next()) {
      if (token[0] === ",") continue;
      const name = String(JSON.parse(token[0]));
      this.#next();
      members.push({ name, value: this.#value(this.#next()) });
    }
    return { kind: "object", start, end: this.#token.lastIndex, members };
  }

  #list(start: number): ListSpan {
    const items: JsonSpan[] = [];
    for (let token = this.#next(); token[0] !== "]"; token = this.#next()) {
      if (token[0] !== ",") items.push(this.#value(token));
    }
    return { kind: "list", start, end: this.#token.lastIndex, items };
  }

  #next(): RegExpExecArray {
    const token = this.#token.exec(this.#bare);
    if (token === null) throw new ConfigInvalidError("it ends too early");
    return token;
  }
}
