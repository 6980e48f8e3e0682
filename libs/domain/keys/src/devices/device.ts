import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** A device's words about itself. Every text is short, printable and not empty. */
export interface DeviceLabels {
  readonly os: string | null;
  readonly osVersion: string | null;
  readonly model: string | null;
  readonly userAgent: string | null;
}

/** A device that asks for a key's subscription. */
export interface SeenDevice extends DeviceLabels {
  /** See {@link deviceIdOf}. */
  readonly id: string;
}

/** A device that is registered. Moments in unix seconds. */
export interface Device extends SeenDevice {
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

const SHORTEST_HARDWARE_ID = 6;
const LONGEST_HARDWARE_ID = 256;
const HARDWARE_ID = new RegExp(`^[\\x21-\\x7e]{${SHORTEST_HARDWARE_ID},${LONGEST_HARDWARE_ID}}$`);
const LONGEST_LABEL = 64;
const ID_DIGITS = 32;

/**
 * Under which id a key knows a device: 128 bits of SHA-256 over the key's id and what the app sent.
 *
 * Not a keyed hash: its secret would have to be the same in every replica for ever, and whoever changed it would lock out all
 * devices. With the key's id in it, one device has nothing in common at two keys.
 *
 * @param hardwareId `x-hwid` as it was sent
 * @returns null when that can be no id: shorter than 6 or longer than 256 characters, or not visible ASCII
 */
export function deviceIdOf(keyId: number, hardwareId: string): string | null {
  if (!HARDWARE_ID.test(hardwareId)) return null;
  return bytesToHex(sha256(utf8ToBytes(`device of ${keyId} ${hardwareId}`))).slice(0, ID_DIGITS);
}

/** The part of an app's text that is kept: one line of at most 64 characters, null when nothing is left. */
export function deviceLabel(text: string | undefined): string | null {
  const line = (text ?? "").replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return Array.from(line).slice(0, LONGEST_LABEL).join("").trim() || null;
}
