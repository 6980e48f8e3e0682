import type { Plant } from "../plant/start-plant.ts";
import type { Victim } from "../plant/victim.ts";
import type { FaultRun } from "../report/fault-test.ts";
import type { CallWatch, Point } from "../taps/call-watch.ts";
import { keyRound } from "./key-round.ts";

export interface KillAtPoint {
  readonly plant: Plant;
  /** Whose calls are watched. */
  readonly watch: CallWatch;
  readonly point: Point;
  readonly victim: Victim;
}

/** Kills a process the moment a service comes to a point between two of its calls, and starts it again at once. */
export async function killAtPoint({ plant, watch, point, victim }: KillAtPoint, run: FaultRun): Promise<void> {
  const fault = () => {
    let restarted: Promise<void> = Promise.resolve();
    const wasReached = watch.once(point, async () => {
      await victim.kill();
      restarted = victim.start();
    });
    return async () => {
      watch.disarm();
      if (!wasReached()) throw new Error(`nobody came to the point ${point.moment} ${point.call}`);
      await restarted;
    };
  };
  const nodeSuffers = victim.name === "xray";
  const mayStayUnanswered = victim.name === "api";
  await keyRound({ plant, fault, nodeSuffers, mayStayUnanswered }, run);
}
