/** The two ways bytes go: `up` is client to server (Xray's uplink), `down` is server to client. */
export type Direction = "up" | "down";

/** Both directions, for code that treats them alike. */
export const DIRECTIONS = ["up", "down"] as const satisfies readonly Direction[];

/** A number of bytes in each direction, whole and never negative. */
export interface Bytes {
  readonly up: number;
  readonly down: number;
}

/** No bytes in either direction. */
export const NO_BYTES: Bytes = { up: 0, down: 0 };

/** Builds a pair by asking for each direction once. */
export function eachDirection(bytesOf: (direction: Direction) => number): Bytes {
  return { up: bytesOf("up"), down: bytesOf("down") };
}
