import type { Random } from "./random.ts";

/** How far apart steps are at most once all is well: a hundred of them a second. */
const RESTING_STEP_MS = 10;
/** Taken before virtual time replaces the timers. */
const realImmediate = setImmediate;

/** One operating system process: it may be paused or die, and nothing of it goes on then. */
export class Process {
  readonly name: string;
  /** By how much its clock is wrong. */
  skewMs: number;
  state: "running" | "paused" | "dead" = "running";
  /** The messages that reached it while it was paused. */
  readonly inbox: (() => void)[] = [];

  constructor(name: string, skewMs: number) {
    this.name = name;
    this.skewMs = skewMs;
  }
}

/** Something that works by itself as time goes by, such as an Xray server. */
export interface Machine {
  readonly busy: boolean;
  run(elapsedMs: number): void;
}

export interface Timer {
  at: number;
  readonly everyMs: number | null;
  readonly owner: Process | null;
  readonly fire: () => void;
}

interface Pending {
  readonly process: Process;
  readonly label: string;
  readonly ready: () => boolean;
  readonly run: () => () => void;
}

const always = (): boolean => true;

/**
 * The scheduler. All that crosses the border of a process is an action in here; a step carries out one of them, chosen
 * at random, and lets the process that waited for it run on until it waits again.
 */
export class World {
  readonly random: Random;
  readonly machines: Machine[] = [];
  readonly trace: ((line: string) => void) | null;
  /** The process whose code runs right now. */
  current: Process | null = null;
  /** Milliseconds since the epoch. */
  now = 1_700_000_000_000;
  steps = 0;
  /** Faults so far, and those that last: so one can say that there was none since a moment. */
  faults = 0;
  outages = 0;
  lastFaultAt = 0;
  /** Connections that found their node unresponsive, and whose they are. */
  readonly unresponsive = new Map<object, Process>();
  #pending: Pending[] = [];
  #timers = new Set<Timer>();
  /** The timer that is due first, undefined when it has to be looked for. */
  #next: Timer | null | undefined = null;
  #stepMs: number;

  constructor(random: Random, trace: ((line: string) => void) | null) {
    this.random = random;
    this.trace = trace;
    this.#stepMs = random.pick([1, 3, 10, 40]);
  }

  /** Whether nothing is wrong now, also in the eyes of each process. */
  get isCalm(): boolean {
    for (const [connection, process] of this.unresponsive)
      if (process.state === "dead") this.unresponsive.delete(connection);
    return this.outages === 0 && this.unresponsive.size === 0;
  }

  fault(): void {
    this.faults += 1;
    this.lastFaultAt = this.now;
  }

  /** Whether much is done in a second. */
  get isQuick(): boolean {
    return this.#stepMs <= 3;
  }

  /** Much can be done in a second from now on: a machine that is too slow for what comes periodically gets nothing else done. */
  becomeQuick(): void {
    this.#stepMs = Math.min(this.#stepMs, RESTING_STEP_MS);
  }

  log(line: () => string): void {
    this.trace?.(`${((this.now - 1_700_000_000_000) / 1000).toFixed(3).padStart(8)} ${line()}`);
  }

  /**
   * An action of a process on the world outside. The effect happens at once at some later step; its result reaches the
   * process unless it has died meanwhile.
   */
  call<T>(process: Process, label: string, effect: () => T, ready: () => boolean = always): Promise<T> {
    return new Promise((resolve, reject) => {
      if (process.state === "dead") return;
      const run = (): (() => void) => {
        try {
          const value = effect();
          return () => resolve(value);
        } catch (error) {
          return () => reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#pending.push({ process, label, ready, run });
    });
  }

  /** Something on its way to a process, for example a reply. */
  send(process: Process, label: string, arrive: () => void): void {
    this.#pending.push({ process, label, ready: always, run: () => arrive });
  }

  after(ms: number, owner: Process | null, fire: () => void, everyMs: number | null = null): Timer {
    const timer: Timer = { at: this.now + Math.max(0, ms), everyMs, owner, fire };
    if (owner?.state === "dead") return timer;
    this.#timers.add(timer);
    if (this.#next === null || (this.#next !== undefined && timer.at < this.#next.at)) this.#next = timer;
    return timer;
  }

  cancel(timer: Timer): void {
    this.#timers.delete(timer);
    if (this.#next === timer) this.#next = undefined;
  }

  sleep(ms: number, process: Process | null): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, process, resolve);
    });
  }

  /** Runs code as a process, or keeps it until the process goes on. */
  async enter(process: Process | null, code: () => void): Promise<void> {
    if (process?.state === "dead") return;
    if (process?.state === "paused") {
      process.inbox.push(code);
      return;
    }
    this.current = process;
    code();
    await new Promise((resolve) => {
      realImmediate(resolve);
    });
    this.current = null;
  }

  pause(process: Process): void {
    this.log(() => `${process.name} is PAUSED`);
    process.state = "paused";
  }

  async resume(process: Process): Promise<void> {
    if (process.state !== "paused") return;
    this.log(() => `${process.name} goes on`);
    process.state = "running";
    for (const code of process.inbox.splice(0)) await this.enter(process, code);
  }

  /** Ends a process. Its requests may or may not have left. */
  kill(process: Process): void {
    this.log(() => `${process.name} is KILLED`);
    process.state = "dead";
    this.#pending = this.#pending.filter((pending) => pending.process !== process || this.random.chance(0.5));
    for (const timer of this.#timers) if (timer.owner === process) this.#timers.delete(timer);
    this.#next = undefined;
  }

  /** Time goes on, timers that are due fire, and one action is carried out. */
  async step(): Promise<void> {
    this.steps += 1;
    const elapsed = this.#elapse();
    this.now += elapsed;
    for (const machine of this.machines) machine.run(elapsed);
    for (let timer = this.#nextTimer(); timer !== null && timer.at <= this.now; timer = this.#nextTimer()) {
      await this.#fire(timer);
    }
    const ready = this.#ready();
    if (ready.length > 0) await this.#carryOut(this.random.pick(ready));
  }

  /** A moment, or all the time until the next timer when nothing else can happen. */
  #elapse(): number {
    const next = this.#nextTimer();
    const isIdle = !this.#pending.some((pending) => pending.ready()) && !this.machines.some((machine) => machine.busy);
    return isIdle && next !== null ? Math.max(0, next.at - this.now) : this.random.next() * 2 * this.#stepMs;
  }

  #ready(): Pending[] {
    return this.#pending.filter((pending) => pending.ready());
  }

  #nextTimer(): Timer | null {
    if (this.#next !== undefined) return this.#next;
    let first: Timer | null = null;
    for (const timer of this.#timers) if (first === null || timer.at < first.at) first = timer;
    this.#next = first;
    return first;
  }

  async #fire(timer: Timer): Promise<void> {
    if (timer.everyMs === null) this.#timers.delete(timer);
    else timer.at += timer.everyMs;
    this.#next = undefined;
    await this.enter(timer.owner, timer.fire);
  }

  async #carryOut(pending: Pending): Promise<void> {
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    this.log(() => `${pending.process.name} ${pending.label}`);
    await this.enter(pending.process, pending.run());
  }
}
