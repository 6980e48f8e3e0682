import type { FaultTestbed } from "../testbed/start-fault-testbed.ts";
import type { KillableProcess } from "@veil/engines";
import type { FaultRun } from "../report/fault-test.ts";
import type { CallWatch, Point } from "../proxies/call-watch.ts";
import { keyRound } from "./key-round.ts";
import { killOnceAt } from "./kill-once-at.ts";

export interface KillAtPoint {
  readonly testbed: FaultTestbed;
  /** Whose calls are watched. */
  readonly watch: CallWatch;
  readonly point: Point;
  readonly target: KillableProcess;
}

/** Kills a process the moment a service comes to a point between two of its calls, and starts it again at once. */
export async function killAtPoint({ testbed, watch, point, target }: KillAtPoint, run: FaultRun): Promise<void> {
  const fault = () => killOnceAt(watch, point, [target]);
  const nodeSuffers = target.name === "xray";
  const mayStayUnanswered = target.name === "api";
  await keyRound({ testbed, fault, nodeSuffers, mayStayUnanswered }, run);
}
