import { type Bytes, type Direction, NO_BYTES } from "@veil/traffic";
import type { Counter } from "@veil/xray-grpc";

/** The key that each e-mail of before belongs to. In lower case. */
export type EmailOwners = ReadonlyMap<string, number>;

const userCounter = /^user>>>(.+)>>>traffic>>>(uplink|downlink)$/s;

/** The values of Xray's counters under the e-mails of before, by key id. Two e-mails of one key are added up. */
export function legacyReadings(counters: readonly Counter[], owners: EmailOwners): Map<number, Bytes> {
  const readings = new Map<number, Bytes>();
  for (const { name, value } of counters) {
    const [, email = "", link] = userCounter.exec(name) ?? [];
    const keyId = owners.get(email.toLowerCase());
    if (keyId === undefined) continue;
    const direction: Direction = link === "uplink" ? "up" : "down";
    const before = readings.get(keyId) ?? NO_BYTES;
    readings.set(keyId, { ...before, [direction]: before[direction] + value });
  }
  return readings;
}
