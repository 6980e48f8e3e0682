/** The methods of Shadowsocks 2022 that can tell users apart, each with the length of its keys in bytes. */
const KEY_BYTES = { "2022-blake3-aes-128-gcm": 16, "2022-blake3-aes-256-gcm": 32 } as const;

export type ShadowsocksMethod = keyof typeof KEY_BYTES;

export const SHADOWSOCKS_METHODS = [
  "2022-blake3-aes-128-gcm",
  "2022-blake3-aes-256-gcm",
] as const satisfies readonly ShadowsocksMethod[];

/** The method that a key belongs to, which its length tells: base64 with padding of 16 or 32 bytes. Null when it is no key. */
export function shadowsocksMethodOf(key: string): ShadowsocksMethod | null {
  const bytes = Buffer.from(key, "base64");
  if (bytes.toString("base64") !== key) return null;
  return SHADOWSOCKS_METHODS.find((method) => KEY_BYTES[method] === bytes.length) ?? null;
}

/** @returns bytes of a key */
export function shadowsocksKeyLength(method: ShadowsocksMethod): number {
  return KEY_BYTES[method];
}
