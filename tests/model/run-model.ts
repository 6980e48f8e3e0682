import { checkAll, checkAlways } from "./checks.ts";
import { type FaultKind, faultKinds, Faults } from "./faults.ts";
import { Random } from "./random.ts";
import { Requests } from "./requests.ts";
import { unlogged, unloggedOfDevices } from "./simulated-events.ts";
import { System, type Violation } from "./system.ts";
import { TermsWatch } from "./terms-checks.ts";
import { LIST_EVERY_MS } from "./worker-process.ts";
import { installVirtualTime } from "./virtual-time.ts";

export interface ModelOptions {
  readonly seed: number;
  /** Without it every seed has its own choice of faults. */
  readonly faults?: readonly FaultKind[];
  /** Whether devices come too. Default: no. */
  readonly devices?: boolean;
  /** Whether callers repeat, under an `Idempotency-Key`, changes that were answered as not done. Default: no. */
  readonly repeats?: boolean;
  /** Keys asked for. Default 6. */
  readonly errands?: number;
  readonly trace?: (line: string) => void;
  /**
   * How far the clocks of machines may be wrong; they are then also set while the system runs, and processes go by Redis' time.
   * Without it each goes by a clock of its own that is wrong by up to 300 ms at times: so little is known of Redis' time.
   */
  readonly skewMs?: number;
  /** Without it nodes and keys may be in several groups. False for a history from before there were any. */
  readonly groups?: boolean;
}

export interface ModelResult {
  readonly steps: number;
  readonly violations: readonly Violation[];
}

const LONGEST_CHAOS_MS = 35_000;
const CHAOS_STEPS = 900;
/** Long enough for an abandoned lease to run out, and for passes and sweeps after that. */
const REST_MS = 30_000;
const LONGEST_REST_MS = 400_000;

/** One history of the whole system, decided by its seed. */
export async function runModel({
  seed,
  faults,
  devices = false,
  repeats = false,
  errands = 6,
  trace,
  skewMs,
  groups = true,
}: ModelOptions): Promise<ModelResult> {
  const random = new Random(seed);
  const system = new System(random, trace ?? null, skewMs ?? null, groups ? seed : null);
  const restoreTime = installVirtualTime(system.world);
  try {
    const kinds = faults ?? chooseFaults(random);
    system.world.log(() => `faults: ${kinds.join(", ")}`);
    const requests = new Requests(system, {
      errands,
      replays: random.chance(0.5),
      duplicateDeletes: random.chance(0.5),
      changes: random.chance(0.8),
      repeats,
      devices: devices && random.chance(0.5),
    });
    const mishaps = new Faults(system, requests, kinds, { setsClocks: skewMs !== undefined });
    const watch = new TermsWatch();
    await live(system, requests, mishaps, watch);
    await mishaps.stop();
    system.world.log(() => "---- faults are over");
    await rest(system, requests, watch);
    checkAll(system, requests);
    return { steps: system.world.steps, violations: system.violations };
  } finally {
    restoreTime();
  }
}

/** Often few kinds, so that each meets the code in many states, sometimes all. */
function chooseFaults(random: Random): FaultKind[] {
  const share = random.pick([0, 0.1, 0.2, 0.5, 1]);
  return faultKinds.filter(() => random.chance(share));
}

async function live(system: System, requests: Requests, faults: Faults, watch: TermsWatch): Promise<void> {
  const end = system.world.now + LONGEST_CHAOS_MS;
  while (system.world.now < end && system.world.steps < CHAOS_STEPS) {
    await system.world.step();
    await faults.perhaps();
    system.fleet.perhaps();
    checkAlways(system, requests);
    watch.look(system);
  }
}

async function rest(system: System, requests: Requests, watch: TermsWatch): Promise<void> {
  const { world, mongo, queue, redis, xrays } = system;
  world.becomeQuick();
  // An hour passes: what nobody hinted at is found now.
  if (redis.hints.wereLost) redis.hints.complete = null;
  const begun = world.now;
  let lastBusy = begun;
  const isBusy = (): boolean =>
    queue.openJobs.length > 0 ||
    requests.open > 0 ||
    mongo.hasUnfinished ||
    mongo.hasJustEnded ||
    unlogged(mongo).length > 0 ||
    unloggedOfDevices(mongo).length > 0;
  // Nodes that hold as many users as they should are listed after a while.
  const restMs = REST_MS + (system.wasChangedInPlace ? LIST_EVERY_MS : 0);
  const hasRested = (): boolean => world.now > lastBusy + restMs && xrays.every(({ idle }) => idle);
  while (!hasRested() && world.now < begun + LONGEST_REST_MS) {
    await world.step();
    checkAlways(system, requests);
    watch.look(system);
    if (isBusy()) lastBusy = world.now;
  }
  if (isBusy()) system.violated("does not come to rest", "");
}
