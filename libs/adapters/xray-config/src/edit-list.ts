import type { JsonSource, ListSpan } from "./json-source.ts";

export interface ListChange {
  /** The new text of an item, null to take it out, undefined to leave it as it stands. */
  readonly change: (index: number) => string | null | undefined;
  /** Texts of new items, for the end of the list. */
  readonly append: readonly string[];
}

/**
 * The text of a list after a change. Items and comments that are not concerned stay byte for byte; new items are laid
 * out as their neighbors are.
 */
export function editList(source: JsonSource, list: ListSpan, { change, append }: ListChange): string {
  const { lead: usualLead, tail: usualTail } = layoutOf(source, list);
  const gaps = gapsOf(source, list);
  const kept: string[] = [];
  let orphaned = "";
  for (const [index, { start, end }] of list.items.entries()) {
    const { before, after } = gaps[index] ?? { before: "", after: "" };
    const text = change(index);
    if (text === null) {
      orphaned += commentsOf(before) + commentsOf(after);
      continue;
    }
    kept.push(orphaned + before + (text ?? source.text.slice(start, end)) + after);
    orphaned = "";
  }
  for (const text of append) kept.push(usualLead + text);
  const last = list.items.at(-1);
  const rest = source.text.slice(last === undefined ? list.start + 1 : last.end, list.end - 1);
  if (kept.length === 0) return `[${(orphaned + rest).trim() === "" ? "" : orphaned + rest}]`;
  const tail = last === undefined && rest.trim() === "" ? usualTail : rest;
  return `[${kept.join(",")}${orphaned}${tail}]`;
}

interface Gap {
  /** The text between an item and the comma or bracket before it. */
  readonly before: string;
  /** The text between an item and the comma behind it; empty for the last one. */
  readonly after: string;
}

function gapsOf({ text, bare }: JsonSource, { start, items }: ListSpan): Gap[] {
  let from = start + 1;
  return items.map((item, index) => {
    const next = items[index + 1];
    const before = text.slice(from, item.start);
    if (next === undefined) return { before, after: "" };
    const comma = bare.indexOf(",", item.end);
    from = comma + 1;
    return { before, after: text.slice(item.end, comma) };
  });
}

/** A comment outlives the item beside it: nobody knows what it speaks of. */
function commentsOf(gap: string): string {
  return gap.trim() === "" ? "" : gap;
}

/** The white space before a new item, and that behind the last one of a list which was empty. */
function layoutOf(source: JsonSource, list: ListSpan): { readonly lead: string; readonly tail: string } {
  const { text } = source;
  const last = gapsOf(source, list).at(-1);
  if (last !== undefined) return { lead: whiteSpaceOf(last.before), tail: "" };
  const newLine = /\r?\n/.exec(text)?.[0];
  if (newLine === undefined) return { lead: "", tail: "" };
  const line = text.slice(text.lastIndexOf("\n", list.start) + 1, list.start);
  const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
  const step = /\n([ \t]+)\S/.exec(text)?.[1] ?? "  ";
  return { lead: newLine + indent + step, tail: newLine + indent };
}

/** The gap's own white space, or that of its last line when comments stand in it. */
function whiteSpaceOf(gap: string): string {
  return gap.trim() === "" ? gap : (/\r?\n[ \t]*$/.exec(gap)?.[0] ?? " ");
}
