import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

const RANDOM_LENGTH = 24;
/** Two for each random character, so that no digit comes noticeably more often than another. */
export const TOKEN_SEED_BYTES = 2 * RANDOM_LENGTH;

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = BigInt(DIGITS.length);
/** As many digits as the largest key id has, 2^53-1. */
const ID_LENGTH = 9;
const ID_BITS = 53n;
const TOKEN = new RegExp(`^[0-9A-Za-z]{${RANDOM_LENGTH + ID_LENGTH}}$`);

/**
 * The secret under which a key's subscription is found: 24 random characters of base62, then the key's id, masked.
 *
 * The id makes it found by a key's own document, on every engine and with no index; what proves that the caller may see it
 * are the random characters. The mask hides nothing from who holds the token, whose app shows the id anyway.
 *
 * @param seed at least {@link TOKEN_SEED_BYTES} random bytes
 */
export function subscriptionToken(keyId: number, seed: Uint8Array): string {
  const random = Array.from({ length: RANDOM_LENGTH }, (_, index) => randomDigit(seed, 2 * index)).join("");
  return random + digits(BigInt(keyId) ^ maskOf(random), ID_LENGTH);
}

/** The token of a key that was made before keys had one: it follows from the secret that the key has. */
export function olderSubscriptionToken(keyId: number, uuid: string): string {
  return subscriptionToken(keyId, sha512(utf8ToBytes(`subscription of ${keyId} ${uuid}`)));
}

/** The id of the key whose token this may be; null when it is nobody's. */
export function keyIdOfToken(token: string): number | null {
  if (!TOKEN.test(token)) return null;
  const keyId = valueOf(token.slice(RANDOM_LENGTH)) ^ maskOf(token.slice(0, RANDOM_LENGTH));
  return keyId > 0n && keyId <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(keyId) : null;
}

function randomDigit(seed: Uint8Array, at: number): string {
  return DIGITS.charAt(((seed[at] ?? 0) * 256 + (seed[at + 1] ?? 0)) % DIGITS.length);
}

function maskOf(random: string): bigint {
  return numberOf(sha256(utf8ToBytes(random)).subarray(0, 8)) & ((1n << ID_BITS) - 1n);
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytesToHex(bytes)}`);
}

function digits(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest /= BASE) text = DIGITS.charAt(Number(rest % BASE)) + text;
  return text;
}

function valueOf(text: string): bigint {
  return Array.from(text).reduce((value, digit) => value * BASE + BigInt(DIGITS.indexOf(digit)), 0n);
}
