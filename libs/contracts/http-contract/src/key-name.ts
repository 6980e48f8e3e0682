import { z } from "zod";
import { isPrintable, isWellFormed, LINE_PATTERN } from "./text-line.ts";

/** Longest name of a key, in Unicode characters (code points), so an emoji counts once. */
export const LONGEST_KEY_NAME = 255;

/** The name that a caller gives a key. */
export const keyNameSchema = z
  .string("name must be a string or null")
  .refine(isWellFormed, "name must be well-formed Unicode: it holds half of a surrogate pair")
  .refine(isShortEnough, `name must be at most ${LONGEST_KEY_NAME} characters long`)
  .refine(isPrintable, "name must not contain control characters")
  .nullable()
  .meta({
    description: `Any Unicode text except control characters, up to ${LONGEST_KEY_NAME} characters (code points).`,
    maxLength: LONGEST_KEY_NAME,
    pattern: LINE_PATTERN,
    example: "user_123",
  });

function isShortEnough(name: string): boolean {
  return name.length <= LONGEST_KEY_NAME || Array.from(name).length <= LONGEST_KEY_NAME;
}
