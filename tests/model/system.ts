import type { ConfigClient } from "@veil/xray-config";
import type { InboundUser } from "@veil/xray-grpc";
import { isVlessFlow } from "@veil/protocols";
import { SharedClock } from "@veil/runtime";
import { ModelFleet } from "./model-fleet.ts";
import { machineClock, sharedClock } from "./process-clock.ts";
import { type Random } from "./random.ts";
import { realityInbound } from "./reality-inbound.ts";
import { SimulatedConfigFile } from "./simulated-config-file.ts";
import { SimulatedMongo } from "./simulated-mongo.ts";
import { SimulatedQueue } from "./simulated-queue.ts";
import { SimulatedRedis } from "./simulated-redis.ts";
import { type Inbound, inboundWith, SimulatedXray } from "./simulated-xray.ts";
import type { CallMischief } from "./xray-client.ts";
import { Process, World } from "./world.ts";

export const INBOUND_TAG = "vless-in";
export const SHORT_ID = "7bb45050";
const OTHER_SHORT_ID = "0123456789abcdef";

/** The node whose config file holds our users as well. */
export const MIRRORED_NODE = "a";

/** Stands in Xray's own config, so it comes back with every restart. */
export const configuredUnmanaged: InboundUser = {
  email: "admin@elsewhere",
  account: { protocol: "vless", uuid: "aaaaaaaa-aaaa-4aaa-aaaa-aaaaaaaaaaaa", flow: "" },
};
/** Added by somebody else while Xray runs. */
export const addedUnmanaged: InboundUser = {
  email: "guest@elsewhere",
  account: { protocol: "vless", uuid: "bbbbbbbb-bbbb-4bbb-abbb-bbbbbbbbbbbb", flow: "" },
};

const USUAL_SKEW_MS = 300;

/** Something that must never be. */
export interface Violation {
  readonly what: string;
  readonly detail: string;
}

/** Everything outside our code, and what has been seen of its promises so far. */
export class System {
  readonly world: World;
  readonly mongo: SimulatedMongo;
  readonly redis: SimulatedRedis;
  readonly queue: SimulatedQueue;
  readonly xrays: readonly SimulatedXray[];
  readonly fleet: ModelFleet;
  /** Of the first Xray: it starts with the clients that stand in it. */
  readonly configFile: SimulatedConfigFile;
  readonly callMischief: CallMischief = { lostAnswer: 0 };
  readonly violations: Violation[] = [];
  /** Whether somebody changed a user in its place, which the number of a node's users does not show. */
  wasChangedInPlace = false;
  /** Clocks are wrong by at most so much. */
  readonly #skewMs: number;
  readonly #areSetByRedis: boolean;
  readonly #clocks = new WeakMap<Process, SharedClock>();

  constructor(
    random: Random,
    trace: ((line: string) => void) | null,
    skewMs: number | null,
    groupsSeed: number | null,
  ) {
    this.world = new World(random, trace);
    const clocksDiffer = random.chance(0.3);
    this.#skewMs = skewMs ?? (clocksDiffer ? USUAL_SKEW_MS : 0);
    this.#areSetByRedis = skewMs !== null;
    this.mongo = new SimulatedMongo(this.world);
    this.redis = new SimulatedRedis(this.world);
    this.queue = new SimulatedQueue(this.redis, this.world);
    const knowsShortId = random.chance(0.5);
    this.configFile = new SimulatedConfigFile(this.world);
    const configured = (clients: Iterable<ConfigClient>): Inbound =>
      inboundWith(realityInbound(INBOUND_TAG, knowsShortId ? SHORT_ID : OTHER_SHORT_ID), [
        configuredUnmanaged,
        ...[...clients].map(userOf),
      ]);
    this.xrays = [
      new SimulatedXray(MIRRORED_NODE, this.world, () => configured(this.configFile.clients.values())),
      new SimulatedXray("b", this.world, () => configured([])),
    ];
    this.world.machines.push(...this.xrays);
    this.fleet = new ModelFleet(
      this.world,
      this.xrays.map(({ name }) => name),
      groupsSeed,
    );
  }

  newProcess(name: string): Process {
    const process = new Process(name, this.#skewMs === 0 ? 0 : this.#someSkew());
    const { world, redis } = this;
    const own = new SharedClock(machineClock(process, world));
    this.#clocks.set(process, this.#areSetByRedis ? sharedClock(process, world, redis) : own);
    return process;
  }

  /** The clock that a process of ours goes by. */
  clockOf(process: Process): SharedClock {
    const clock = this.#clocks.get(process);
    if (clock === undefined) throw new TypeError(`${process.name} is no process of this system`);
    return clock;
  }

  /** Somebody sets the clock of a process. */
  stepClock(process: Process): void {
    process.skewMs = this.#someSkew();
    this.world.log(() => `the clock of ${process.name} is set to be wrong by ${process.skewMs} ms`);
  }

  #someSkew(): number {
    return Math.round(this.world.random.between(-this.#skewMs, this.#skewMs));
  }

  readonly violated = (what: string, detail: string): void => {
    if (this.violations.some((known) => known.what === what && known.detail === detail)) return;
    this.world.log(() => `!!! ${what}: ${detail}`);
    this.violations.push({ what, detail });
  };
}

function userOf({ email, values: [uuid, flow = ""] }: ConfigClient): InboundUser {
  return { email, account: { protocol: "vless", uuid, flow: isVlessFlow(flow) ? flow : "" } };
}
