import { createHash } from "node:crypto";

/** 36 bytes of randomness are more than the 24 characters hold. */
export const TOKEN_SEED_BYTES = 36;

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = BigInt(DIGITS.length);
const RANDOM_LENGTH = 24;
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
  const random = digits(numberOf(seed), RANDOM_LENGTH);
  return random + digits(BigInt(keyId) ^ maskOf(random), ID_LENGTH);
}

/** The token of a key that was made before keys had one: it follows from the secret that the key has. */
export function olderSubscriptionToken(keyId: number, uuid: string): string {
  return subscriptionToken(keyId, createHash("sha512").update(`subscription of ${keyId} ${uuid}`).digest());
}

/** The id of the key whose token this may be; null when it is nobody's. */
export function keyIdOfToken(token: string): number | null {
  if (!TOKEN.test(token)) return null;
  const keyId = valueOf(token.slice(RANDOM_LENGTH)) ^ maskOf(token.slice(0, RANDOM_LENGTH));
  return keyId > 0n && keyId <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(keyId) : null;
}

function maskOf(random: string): bigint {
  return numberOf(createHash("sha256").update(random).digest()) & ((1n << ID_BITS) - 1n);
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

function digits(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest /= BASE) text = DIGITS.charAt(Number(rest % BASE)) + text;
  return text;
}

function valueOf(text: string): bigint {
  return Array.from(text).reduce((value, digit) => value * BASE + BigInt(DIGITS.indexOf(digit)), 0n);
}
