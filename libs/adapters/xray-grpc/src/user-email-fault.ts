/**
 * The fault in an e-mail for a user, `null` when there is none. Xray takes any text, but a user with an empty one can't
 * be listed, counted or removed; one in upper case has counters that its lower-case name doesn't find; `>` divides the
 * parts of a counter's name; and `regexp:` makes a routing rule match many.
 */
export function emailFault(email: string): string | null {
  if (email === "") return "is empty";
  if (email !== email.toLowerCase()) return "is not in lower case";
  if (/[\s\p{Cc}>]/u.test(email)) return "holds a space, a control character or >";
  if (email.startsWith("regexp:")) return "is a pattern";
  return null;
}
