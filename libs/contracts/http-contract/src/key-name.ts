import { z } from "zod";

/** Longest name of a key, in Unicode characters (code points), so an emoji counts once. */
export const longestKeyName = 255;

/** C0, DEL and C1. */
const controlCharacters = "\\u0000-\\u001F\\u007F-\\u009F";
const printable = new RegExp(`^[^${controlCharacters}]*$`, "u");

/** The name that a caller gives a key. */
export const keyNameSchema = z
  .string("name must be a string or null")
  .refine((name) => !/\p{Surrogate}/u.test(name), "name must be well-formed Unicode: it holds half of a surrogate pair")
  .refine(isShortEnough, `name must be at most ${longestKeyName} characters long`)
  .refine((name) => printable.test(name), "name must not contain control characters")
  .nullable()
  .meta({
    description: `Any Unicode text except control characters, up to ${longestKeyName} characters (code points).`,
    maxLength: longestKeyName,
    pattern: printable.source,
    example: "user_123",
  });

function isShortEnough(name: string): boolean {
  return name.length <= longestKeyName || Array.from(name).length <= longestKeyName;
}
