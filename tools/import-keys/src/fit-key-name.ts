import { LONGEST_KEY_NAME } from "@veil/http-contract";

/** A name as the API takes it: without control characters and halves of letters, and shortened where it is too long. */
export function fitKeyName(name: string | null): string | null {
  if (name === null) return null;
  const printable = name.replaceAll(/[\p{Cc}\p{Surrogate}]/gu, "");
  return Array.from(printable).slice(0, LONGEST_KEY_NAME).join("");
}
