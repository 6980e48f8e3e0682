import { z } from "zod";

/**
 * A line of text, for generated clients to check. Those in PHP know no `\\u` and look at single bytes, where C1 control
 * characters would hit the inside of Cyrillic letters: these are left to the server.
 */
export const LINE_PATTERN = "^[^\\x00-\\x1f\\x7f]*$";
/** The same with tabs and ends of lines. */
export const TEXT_PATTERN = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]*$";

/** Whether a text is well-formed Unicode: without half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/** Whether a text has no control characters: C0, DEL and C1. */
export function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}

/** One line of text or null: no half of a surrogate pair, no control characters. Lengths in code points. */
export function line(name: string, longest: number, shortest = 0) {
  const message = `${name} must be a string of ${shortest} to ${longest} characters, or null`;
  return lineOr(message, name, longest, shortest).nullable().meta(described(longest, shortest));
}

/** As {@link line}, and never null. */
export function requiredLine(name: string, longest: number, shortest: number) {
  return lineOr(`${name} must be a string of ${shortest} to ${longest} characters`, name, longest, shortest);
}

function lineOr(message: string, name: string, longest: number, shortest: number) {
  return z
    .string(message)
    .refine(isWellFormed, `${name} must be well-formed Unicode: it holds half of a surrogate pair`)
    .refine(isPrintable, `${name} must not contain control characters`)
    .refine((text) => text.length >= shortest && Array.from(text).length <= longest, message)
    .meta(described(longest, shortest));
}

function described(longest: number, shortest: number) {
  return { ...(shortest > 0 && { minLength: shortest }), maxLength: longest, pattern: LINE_PATTERN };
}

/** Most characters of a path under which a transport is found. */
export const LONGEST_PATH = 255;

/** A path without a query: mihomo can't connect with one. */
export const PATH = /^\/[^?#\s]*$/;
