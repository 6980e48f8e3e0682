import { tryRead } from "@veil/keys";
import type { TrafficFigures, TrafficReader } from "./ports.ts";

/**
 * The traffic of a key for an answer that is about more than that: null as well where its record makes no sense, as in lists.
 *
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function shownFigures(
  keyId: number,
  traffic: Pick<TrafficReader, "find">,
): Promise<TrafficFigures | null> {
  const figures = await tryRead(() => traffic.find(keyId));
  return figures === "unreadable" ? null : figures;
}
