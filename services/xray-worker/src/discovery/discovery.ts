import type { JobResult } from "@veil/job-contract";
import {
  changedAsFound,
  discovered,
  type DiscoveryRules,
  discoverySteps,
  entered,
  type FoundEndpoint,
  foundNodes,
  isBraked,
  type LookTime,
  nodeOf,
} from "@veil/nodes";
import { type LastingFailure, lastingFailure, LastingFailures, ObstacleError, type SharedClock } from "@veil/runtime";
import { changeNodes } from "../nodes/fleet-changes.ts";
import { type RetireNodePorts, retireNode } from "../nodes/retire-node.ts";
import { type ChangeNodePorts, changeNode, enterNode } from "../nodes/visited-changes.ts";

export interface DiscoveryPorts extends RetireNodePorts, ChangeNodePorts {
  readonly clock: RetireNodePorts["clock"] & Pick<SharedClock, "earliest" | "latest">;
}

/** As long as a caller of the API has for the same. */
const STEP_WITHIN_MS = 10_000;

/** Makes the fleet follow what is found, look by look. */
export class Discovery {
  readonly #ports: DiscoveryPorts;
  readonly #brake: LastingFailure;
  /** Steps that fail, of each kind by node: each look finds them again, and they are logged once. */
  readonly #obstacles: Readonly<Record<keyof typeof FAILURES, LastingFailures>>;

  constructor(ports: DiscoveryPorts) {
    this.#ports = ports;
    this.#brake = lastingFailure(ports.log, "most nodes are away at once: none is drained or deleted");
    const failures = (what: keyof typeof FAILURES) => new LastingFailures(ports.log, FAILURES[what]);
    this.#obstacles = {
      name: failures("name"),
      enter: failures("enter"),
      change: failures("change"),
      retire: failures("retire"),
    };
  }

  /**
   * @param endpoints all that there are now
   * @returns whether it drains and deletes nothing, because most nodes are away
   * @throws {StoreUnavailableError}
   */
  async look(endpoints: readonly FoundEndpoint[], rules: DiscoveryRules): Promise<{ readonly isBraked: boolean }> {
    const { store } = this.#ports;
    const found = foundNodes(endpoints);
    const fleet = await store.read();
    if (fleet === null) return { isBraked: false };
    for (const [name, { pods }] of found) {
      const others = pods.length > 1 ? `${pods.join(", ")} are one node` : null;
      this.#tell("name", name, others);
    }
    this.#forgetOthers(new Set([...found.keys(), ...fleet.nodes.map((node) => node.name)]));
    const braked = isBraked(fleet, found, rules);
    this.#tellBrake(braked, rules);
    const { clock } = this.#ports;
    const time = { now: clock.now(), earliest: clock.earliest(), latest: clock.latest() };
    const follow = () => this.#follow(found, rules, time);
    await follow();
    const steps = discoverySteps((await store.read()) ?? fleet, found, rules, time);
    await Promise.all([
      ...steps.enter.map((node) => this.#do("enter", node.name, (limits) => this.#enter(node, rules, limits))),
      ...steps.change.map(({ name, change }) =>
        this.#do("change", name, (limits) => changeNode(name, change, limits, this.#ports, changedAsFound)),
      ),
      ...steps.retire.map((name) => this.#do("retire", name, (limits) => this.#retire(name, limits))),
    ]);
    // One that is followed to another address is shown again.
    if (steps.change.length > 0) await follow();
    return { isBraked: braked };
  }

  #tellBrake(isOn: boolean, { service }: DiscoveryRules): void {
    if (isOn) this.#brake.onError(new DiscoveryError(`more than half of the nodes of ${service} are not ready`));
    else this.#brake.onSuccess();
  }

  async #follow(found: ReturnType<typeof foundNodes>, rules: DiscoveryRules, time: LookTime): Promise<void> {
    let states: { readonly node: string; readonly state: string }[] = [];
    await changeNodes((fleet) => {
      const update = discovered(fleet, found, rules, time);
      const changed = update?.nodes?.filter(({ name, state }) => nodeOf(fleet, name)?.state !== state) ?? [];
      states = changed.filter(({ state }) => state !== "gone").map(({ name, state }) => ({ node: name, state }));
      return update;
    }, this.#ports);
    for (const changed of states) this.#ports.log.info(changed, "a node follows its pod");
  }

  async #enter(node: Parameters<typeof enterNode>[0], rules: DiscoveryRules, limits: Limits): Promise<StepResult> {
    const result = await enterNode(node, limits, this.#ports, (fleet, made, stamp) =>
      entered(fleet, made, stamp, rules.service),
    );
    if (result.outcome === "changed")
      this.#ports.log.info({ node: node.name, address: node.address }, "a node is found");
    return result;
  }

  #retire(name: string, { job, deadline }: Limits): Promise<StepResult> {
    const request = { name, force: "when-away", deadline, requestId: job, job, redelivered: false } as const;
    return retireNode(request, this.#ports);
  }

  async #do(
    what: "enter" | "change" | "retire",
    name: string,
    step: (limits: Limits) => Promise<StepResult>,
  ): Promise<void> {
    const now = this.#ports.clock.now();
    const result = await step({ job: `discovery-${what}-${name}-${now}`, deadline: now + STEP_WITHIN_MS });
    const isDone = result.outcome === "changed" || result.outcome === "deleted" || result.outcome === "not-found";
    this.#tell(what, name, isDone ? null : result.detail);
  }

  /** Names come and go with machines and pods: of those that are no more nothing is kept. */
  #forgetOthers(names: ReadonlySet<string>): void {
    for (const obstacles of Object.values(this.#obstacles)) {
      for (const name of obstacles.names) if (!names.has(name)) obstacles.forget(name);
    }
  }

  #tell(what: keyof typeof FAILURES, node: string, obstacle: string | null): void {
    if (obstacle === null) this.#obstacles[what].onSuccess(node);
    else this.#obstacles[what].onError(node, { node }, new DiscoveryError(obstacle));
  }
}

const FAILURES = {
  name: "several pods are found where one is expected",
  enter: "a node that is found can't be entered",
  change: "a node can't be what it is found to be",
  retire: "a node that is gone can't be deleted yet",
} as const;

interface Limits {
  readonly job: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

type StepResult = JobResult<"create-node"> | JobResult<"delete-node">;

/** Why nodes are not what they are found to be. */
class DiscoveryError extends ObstacleError {
  override readonly name = "DiscoveryError";
}
