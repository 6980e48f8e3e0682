import type { Parser } from "./read-documents.ts";

/** The entries of a document that hold many things, by their names: those that make sense, and the names of the others. */
export interface ReadEntries<Entry> {
  readonly entries: readonly (readonly [string, Entry])[];
  readonly unreadable: readonly string[];
}

/**
 * Reads the entries of one document, each alone.
 *
 * @param onUnreadable called with each that makes no sense
 */
export function readEach<Entry>(
  stored: Readonly<Record<string, unknown>>,
  parser: Parser<Entry>,
  onUnreadable: (name: string, error: Error) => void,
): ReadEntries<Entry> {
  const entries: [string, Entry][] = [];
  const unreadable: string[] = [];
  for (const [name, document] of Object.entries(stored)) {
    const { data, error } = parser.safeParse(document);
    if (error === undefined) entries.push([name, data]);
    else {
      unreadable.push(name);
      onUnreadable(name, error);
    }
  }
  return { entries, unreadable };
}
