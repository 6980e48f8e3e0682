import type { KillableProcess } from "@veil/engines";
import type { CallWatch, Point } from "../proxies/call-watch.ts";

/**
 * Kills processes the moment a service comes to a point between two of its calls, and starts them again at once.
 *
 * @returns waits until that has happened
 * @throws {Error} from what it returns, when nobody came to the point
 */
export function killOnceAt(watch: CallWatch, point: Point, processes: readonly KillableProcess[]): () => Promise<void> {
  let restarted: Promise<unknown> = Promise.resolve();
  const killed = watch.once(point, async () => {
    await Promise.all(processes.map((process) => process.kill()));
    restarted = Promise.all(processes.map((process) => process.start()));
  });
  return async () => {
    await killed();
    await restarted;
  };
}
