import { z } from "zod";

/** Longest name of a key, in Unicode characters (code points), so an emoji counts once. */
export const LONGEST_KEY_NAME = 255;

/** C0, DEL and C1. */
const CONTROL_CHARACTERS = "\\u0000-\\u001F\\u007F-\\u009F";
/**
 * What generated clients check. Those in PHP know no `\u` and look at single bytes, where C1 would hit the inside of Cyrillic
 * letters: it is left to the server.
 */
const DOCUMENTED_PATTERN = "^[^\\x00-\\x1f\\x7f]*$";
const printable = new RegExp(`^[^${CONTROL_CHARACTERS}]*$`, "u");

/** The name that a caller gives a key. */
export const keyNameSchema = z
  .string("name must be a string or null")
  .refine((name) => !/\p{Surrogate}/u.test(name), "name must be well-formed Unicode: it holds half of a surrogate pair")
  .refine(isShortEnough, `name must be at most ${LONGEST_KEY_NAME} characters long`)
  .refine((name) => printable.test(name), "name must not contain control characters")
  .nullable()
  .meta({
    description: `Any Unicode text except control characters, up to ${LONGEST_KEY_NAME} characters (code points).`,
    maxLength: LONGEST_KEY_NAME,
    pattern: DOCUMENTED_PATTERN,
    example: "user_123",
  });

function isShortEnough(name: string): boolean {
  return name.length <= LONGEST_KEY_NAME || Array.from(name).length <= LONGEST_KEY_NAME;
}
