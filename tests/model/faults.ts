import type { Requests } from "./requests.ts";
import { addedUnmanaged, INBOUND_TAG, SHORT_ID, type System } from "./system.ts";
import { inboundWith, type SimulatedXray } from "./simulated-xray.ts";
import { realityInbound } from "./reality-inbound.ts";
import { CollectorProcess } from "./collector-process.ts";
import type { Process } from "./world.ts";
import { startWorker } from "./worker-process.ts";

/** Every way in which the outside, or a process of ours, may fail. */
export const faultKinds = [
  "worker killed",
  "worker paused",
  "api killed",
  "xray restarts",
  "xray hangs",
  "xray unreachable",
  "calls delayed",
  "config disk hangs",
  "call unanswered",
  "mongo away",
  "mongo reply lost",
  "mongo write late",
  "redis away",
  "redis reply lost",
  "redis rolled back",
  "due index lost",
  "job stalls",
  "job given up",
  "pass lease lost",
  "inbound emptied",
  "inbound removed",
  "user tampered with",
] as const;
export type FaultKind = (typeof faultKinds)[number];

const WORKERS = 3;

/** A second, in which late calls come through, and the time that a call may have taken before. */
const SHORTEST_HANG_MS = 2_500;

/** A fresh inbound has no orphans. */
const healing: ReadonlySet<FaultKind> = new Set(["xray restarts", "inbound emptied", "inbound removed"]);

/** Makes things fail at random moments, each for a while, until it is to stop. */
export class Faults {
  readonly workers: Process[] = [];
  readonly #system: System;
  readonly #requests: Requests;
  readonly #kinds: readonly FaultKind[];
  readonly #rate: number;
  /** From then on nothing happens that would wash away what went wrong. */
  readonly #lastHealing: number;
  readonly #setsClocks: boolean;
  readonly #collector: CollectorProcess;
  #over: (() => void | Promise<void>)[] = [];

  constructor(
    system: System,
    requests: Requests,
    kinds: readonly FaultKind[],
    { setsClocks }: { readonly setsClocks: boolean },
  ) {
    this.#setsClocks = setsClocks;
    this.#system = system;
    this.#requests = requests;
    this.#kinds = kinds;
    this.#rate = system.world.random.pick([0.01, 0.03, 0.1]);
    this.#lastHealing = system.world.now + system.world.random.pick([0, 5_000, 40_000]);
    const often = (kind: FaultKind): number => (this.#has(kind) ? system.world.random.pick([0.02, 0.1, 0.3]) : 0);
    system.callMischief.lostAnswer = often("call unanswered");
    system.mongo.mischief.lostReply = often("mongo reply lost");
    system.mongo.mischief.lateWrite = often("mongo write late");
    system.redis.mischief.lostReply = often("redis reply lost");
    this.#collector = new CollectorProcess(system);
    for (let number = 0; number < WORKERS; number += 1) this.#startWorker(`worker-${number}`);
  }

  /** May make something fail now. */
  async perhaps(): Promise<void> {
    const { random } = this.#system.world;
    if (random.chance(0.08)) this.#system.redis.remember();
    if (this.#setsClocks && random.chance(0.005)) {
      const replicas = this.#requests.replicas.map(({ process }) => process);
      this.#system.stepClock(random.pick([...this.workers, ...replicas]));
    }
    if (this.#kinds.length > 0 && random.chance(this.#rate)) await this.#strike(random.pick(this.#kinds));
  }

  /** Everything is back and works from now on. */
  async stop(): Promise<void> {
    const { mongo, redis, callMischief } = this.#system;
    callMischief.lostAnswer = 0;
    mongo.mischief.lostReply = 0;
    mongo.mischief.lateWrite = 0;
    redis.mischief.lostReply = 0;
    for (const end of [...this.#over]) await end();
    mongo.applyAllLate();
    this.#collector.rest();
  }

  async #strike(kind: FaultKind): Promise<void> {
    const { world, mongo, redis, queue, xrays } = this.#system;
    const { random } = world;
    const xray = random.pick(xrays);
    const jobs = queue.openJobs.filter(({ state, name }) => state === "active" && name !== "cancel-creation");
    if (healing.has(kind) && world.now > this.#lastHealing) return;
    world.fault();
    switch (kind) {
      case "worker killed":
        return this.#killWorker(random.pick(this.workers));
      case "worker paused":
        return this.#pause(random.pick(this.workers));
      case "api killed":
        if (random.chance(0.3)) this.#requests.crash(random.pick(this.#requests.replicas));
        return;
      case "xray restarts":
        world.log(() => `xray ${xray.name} RESTARTS`);
        return xray.restart();
      case "xray hangs":
        return this.#outage(`xray ${xray.name} HANGS`, random.between(SHORTEST_HANG_MS, 20_000), xray, "hung", true);
      case "xray unreachable":
        xray.dropConnections();
        return this.#outage(`xray ${xray.name} is UNREACHABLE`, random.between(20, 8_000), xray, "reachable", false);
      case "calls delayed":
        return this.#outage(`calls to xray ${xray.name} are DELAYED`, random.between(500, 20_000), xray, "slow", true);
      case "config disk hangs": {
        const { configFile } = this.#system;
        return this.#outage("the disk of the config file HANGS", random.between(20, 10_000), configFile, "hung", true);
      }
      case "mongo away":
        return this.#outage("mongo is AWAY", random.between(20, 8_000), mongo, "up", false);
      case "redis away":
        return this.#outage("redis is AWAY", random.between(20, 12_000), redis, "up", false);
      case "redis rolled back":
        if (!random.chance(0.3)) return;
        world.log(() => "redis is ROLLED BACK");
        return redis.rollBack();
      case "due index lost":
        if (!random.chance(0.3)) return;
        world.log(() => "redis has LOST the index of due keys");
        return redis.due.forget();
      case "job stalls":
        if (jobs.length > 0) queue.stall(random.pick(jobs));
        return;
      case "job given up":
        if (jobs.length > 0 && random.chance(0.3)) queue.giveUp(random.pick(jobs));
        return;
      case "pass lease lost":
        for (const name of redis.leases.keys()) if (!name.includes(":key:")) redis.leases.delete(name);
        return;
      case "inbound emptied":
        world.log(() => `xray ${xray.name}: somebody REPLACES the inbound`);
        xray.inbound = inboundWith(realityInbound(INBOUND_TAG, SHORT_ID), [addedUnmanaged]);
        return;
      case "inbound removed":
        if (!mongo.vault.has(xray.name)) return;
        world.log(() => `xray ${xray.name}: somebody REMOVES the inbound`);
        xray.inbound = null;
        return;
      case "user tampered with":
        // Together with a call of ours it could leave what nobody can repair.
        return xray.idle ? this.#tamper(xray) : undefined;
      case "call unanswered":
      case "mongo reply lost":
      case "mongo write late":
      case "redis reply lost":
        return;
    }
  }

  #has(kind: FaultKind): boolean {
    return this.#kinds.includes(kind);
  }

  #startWorker(name: string): void {
    const process = this.#system.newProcess(name);
    this.workers.push(process);
    this.#system.world.send(process, "starts", () => startWorker(process, this.#system));
  }

  #killWorker(process: Process): void {
    const { world } = this.#system;
    this.workers.splice(this.workers.indexOf(process), 1);
    world.kill(process);
    // Never more than there are meant to be: a crowd would wait for one another's steps and not come to rest.
    this.#until(world.random.between(0, 3_000), () => {
      if (this.workers.length < WORKERS) this.#startWorker(`${process.name.split("'")[0]}'${world.steps}`);
    });
    if (this.workers.length === 0) this.#startWorker("worker-spare");
  }

  #pause(process: Process): void {
    const { world } = this.#system;
    if (process.state !== "running") return;
    world.pause(process);
    const longest = world.random.chance(0.5) ? 1_000 : 20_000;
    this.#until(world.random.between(10, longest), () => world.resume(process));
  }

  #outage<K extends string>(label: string, ms: number, what: { [key in K]: boolean }, key: K, bad: boolean): void {
    const { world } = this.#system;
    if (what[key] === bad) return;
    world.log(() => label);
    what[key] = bad;
    this.#until(ms, () => {
      world.log(() => `${label}: over`);
      what[key] = !bad;
    });
  }

  /** Somebody changes our users behind our back. */
  #tamper({ inbound, name }: SimulatedXray): void {
    const { random } = this.#system.world;
    const ours = [...(inbound?.byEmail.values() ?? [])].filter(({ email }) => email.endsWith("@veil"));
    if (inbound === null || ours.length === 0) return;
    const user = random.pick(ours);
    if (user.account.protocol !== "vless") return;
    const other = random.chance(0.5) ? { uuid: random.uuid() } : { flow: otherFlow[user.account.flow] };
    const changed = { email: user.email, account: { ...user.account, ...other } };
    const inPlace = random.chance(0.5);
    this.#system.world.log(() => `xray ${name}: somebody ${inPlace ? "CHANGES" : "REMOVES"} ${user.email}`);
    inbound.byEmail.delete(user.email);
    inbound.byUuid.delete(user.account.uuid);
    if (!inPlace) return;
    this.#system.wasChangedInPlace = true;
    inbound.byEmail.set(changed.email, changed);
    inbound.byUuid.set(changed.account.uuid, changed.email);
  }

  #until(ms: number, end: () => void | Promise<void>): void {
    const once = (): void | Promise<void> => {
      if (!this.#over.includes(once)) return;
      this.#over = this.#over.filter((other) => other !== once);
      this.#system.world.outages -= 1;
      return end();
    };
    this.#over.push(once);
    this.#system.world.outages += 1;
    this.#system.world.after(ms, null, () => void once());
  }
}

const otherFlow = { "": "xtls-rprx-vision", "xtls-rprx-vision": "" } as const;
