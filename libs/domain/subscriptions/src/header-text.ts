/** Printable ASCII without blanks at its ends, which every client reads as it stands. */
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;
const BASE64_MARK = "base64:";

/** A text as apps take it in a header: as it is, or `base64:` and its UTF-8 form. */
export function headerText(text: string): string {
  if (PLAIN.test(text) && !text.startsWith(BASE64_MARK)) return text;
  return BASE64_MARK + Buffer.from(text).toString("base64");
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * The beginning of a text: as many whole characters, as people see them, as have `length` code points together. Of a first
 * one that has more, with all its marks, it is the beginning.
 */
export function shortened(text: string, length: number): string {
  // Most are: finding the characters of one takes longer than all the other headers.
  if (text.length <= length) return text;
  let short = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += Array.from(segment).length;
    if (used > length) break;
    short += segment;
  }
  return short === "" ? Array.from(text).slice(0, length).join("") : short;
}

/** An address as a header takes it: ASCII, percent-encoded. Null when it is not one of the web or of mail. */
export function headerUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { href, protocol } = new URL(text);
  return ["http:", "https:", "mailto:", "tg:"].includes(protocol) ? href : null;
}
