// oxlint-disable-next-line no-restricted-imports -- hashing is arithmetic: it reaches nothing outside
import { hash, timingSafeEqual } from "node:crypto";
import type { ApiToken } from "./api-token.ts";

/** 36 bytes of randomness are more than the 40 characters hold. */
export const TOKEN_SEED_BYTES = 36;

const PREFIX = "veil_";
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH = 40;
/** 71 bits: no two tokens share them. The remaining 166 bits nobody guesses. */
const ID_LENGTH = 12;
const TOKEN = new RegExp(`^${PREFIX}([0-9A-Za-z]{${ID_LENGTH}})[0-9A-Za-z]{${LENGTH - ID_LENGTH}}$`);

/** A token as its caller gets it, and what is kept of it. */
export interface NewToken extends Pick<ApiToken, "id" | "hash"> {
  readonly token: string;
}

/**
 * Makes a token: `veil_` and 40 characters of base62. The first 12 are its id, by which it is found; the hash of all proves it.
 *
 * @param seed at least {@link TOKEN_SEED_BYTES} random bytes
 */
export function newToken(seed: Uint8Array): NewToken {
  let rest = BigInt(`0x${Buffer.from(seed).toString("hex")}`);
  let digits = "";
  for (; digits.length < LENGTH; rest /= 62n) digits += DIGITS.charAt(Number(rest % 62n));
  const token = PREFIX + digits;
  return { token, id: digits.slice(0, ID_LENGTH), hash: hash("sha256", token) };
}

/** The id of the token that a text may be; null when it is none. */
export function tokenIdOf(text: string): string | null {
  return TOKEN.exec(text)?.[1] ?? null;
}

/** Whether a text is this token. Takes as long for every text. */
export function isTokenOf(text: string, { hash: expected }: Pick<ApiToken, "hash">): boolean {
  const [given, known] = [Buffer.from(hash("sha256", text)), Buffer.from(expected)];
  return given.length === known.length && timingSafeEqual(given, known);
}
