import type { Redis } from "@veil/redis";
import type { PassRecords } from "./real-services.ts";
import { SimulatedChangedKeys } from "./simulated-changed-keys.ts";
import { SimulatedDueIndex } from "./simulated-due-index.ts";
import { SimulatedHints } from "./simulated-events.ts";
import { SimulatedWrites } from "./simulated-writes.ts";
import type { Process, World } from "./world.ts";

export type JobState = "waiting" | "active" | "delayed" | "finished" | "failed";

/** A job as BullMQ keeps it. */
export interface Job {
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
  state: JobState;
  result: unknown;
  /** Deliveries, and those that ended with an error. */
  started: number;
  failures: number;
  /** Of the delivery that may end the job. */
  lock: string | null;
  lockedUntil: number;
  /** A delayed job waits until then. */
  due: number;
}

export function newJob(id: string, name: string, payload: unknown): Job {
  return {
    id,
    name,
    payload,
    state: "waiting",
    result: null,
    started: 0,
    failures: 0,
    lock: null,
    lockedUntil: 0,
    due: 0,
  };
}

export const LEASE_PREFIX = "veil";

interface Lease {
  token: string;
  /** The process whose token it is. */
  readonly holder: string;
  until: number;
}

/** The faults of one command, as probabilities. */
export interface RedisMischief {
  lostReply: number;
}

/** The content of Redis: jobs and leases; how it goes away, and how it forgets what it had not yet written to disk. */
export class SimulatedRedis {
  jobs = new Map<string, Job>();
  leases = new Map<string, Lease>();
  readonly due = new SimulatedDueIndex();
  readonly hints = new SimulatedHints();
  readonly changed = new SimulatedChangedKeys();
  readonly writes: SimulatedWrites;
  /** How often it has been started. */
  runs = 1;
  readonly #passes = new Map<string, NonNullable<Awaited<ReturnType<PassRecords["look"]>>["last"]>>();
  up = true;
  readonly mischief: RedisMischief = { lostReply: 0 };
  readonly #world: World;
  #rolledBack = false;
  #grants = 0;
  #onDisk: {
    readonly jobs: Map<string, Job>;
    readonly leases: Map<string, Lease>;
    readonly due: ReturnType<SimulatedDueIndex["copy"]>;
    readonly hints: ReturnType<SimulatedHints["copy"]>;
    readonly changed: ReturnType<SimulatedChangedKeys["copy"]>;
    readonly writes: ReturnType<SimulatedWrites["copy"]>;
  } | null = null;

  constructor(world: World) {
    this.#world = world;
    this.writes = new SimulatedWrites(() => world.now);
  }

  /** A command of a client that fails at once while Redis is away. */
  command<T>(process: Process, label: string, effect: () => T): Promise<T> {
    return this.#world.call(process, `redis ${label}`, () => {
      if (!this.up) throw new RedisAwayError(false);
      const result = effect();
      if (this.#world.random.chance(this.mischief.lostReply)) {
        this.#world.fault();
        this.#world.log(() => `redis ${label}: the reply is LOST`);
        throw new RedisAwayError(true);
      }
      return result;
    });
  }

  /** A command of a client that waits until Redis is back. */
  patient<T>(process: Process, label: string, effect: () => T, ready: () => boolean = () => true): Promise<T> {
    return this.#world.call(process, `redis ${label}`, effect, () => this.up && ready());
  }

  /** The connection that leases use. The script tells what is done; what it does is done here. */
  leaseConnection(process: Process): {
    eval(script: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
  } {
    return {
      eval: (script, keys, ...args) => {
        const names = args.slice(0, keys).map(String);
        const [token, durationMs] = args.slice(keys);
        const one = (name: string) => this.#lease(script, name, process.name, String(token), Number(durationMs));
        const label = `${names.join(" ")} ${operationOf(script)}`;
        return this.command(process, label, () => {
          // Further keys of a script about one lease only say who goes first.
          const [first = ""] = names;
          return script.includes("ipairs(KEYS)") ? names.map(one) : one(first);
        });
      },
    };
  }

  /** The connection that the index of due keys uses. */
  dueConnection(process: Process): Redis {
    return this.due.connection(
      (label, effect) => this.command(process, label, effect),
      () => `run-${this.runs}`,
    );
  }

  /** The connection that hints at events use. */
  hintsConnection(process: Process): Redis {
    return this.hints.connection(
      (label, effect) => this.command(process, label, effect),
      () => `run-${this.runs}`,
    );
  }

  /** The connection that the notes of changed keys use. */
  changedConnection(process: Process): Redis {
    return this.changed.connection(
      (label, effect) => this.command(process, label, effect),
      () => `run-${this.runs}`,
      () => Math.round(this.#world.now),
    );
  }

  /** Where workers tell each other of their passes. */
  passRecords(process: Process): PassRecords {
    const now = (): number => Math.round(this.#world.now);
    return {
      look: (node) =>
        this.command(process, `looks for passes over ${node}`, () => ({
          now: now(),
          last: this.#passes.get(node) ?? null,
        })),
      keep: (node, pass) =>
        this.command(process, `keeps a pass over ${node}`, () => {
          this.#passes.set(node, pass);
          return now();
        }),
    };
  }

  /** Whether somebody is at a key, or died at it. */
  isLeased(keyId: number): boolean {
    return this.leases.has(`${LEASE_PREFIX}:lease:key:${keyId}`);
  }

  /** Whether a key's lease went to another process than this one. A roll-back can give it to two, which nobody can help. */
  isTakenFrom(process: Process, keyId: number): boolean {
    const lease = this.leases.get(`${LEASE_PREFIX}:lease:key:${keyId}`);
    return lease !== undefined && lease.holder !== process.name && lease.until > this.#world.now && !this.#rolledBack;
  }

  remember(): void {
    this.#onDisk = {
      jobs: copyOf(this.jobs),
      leases: copyOf(this.leases),
      due: this.due.copy(),
      hints: this.hints.copy(),
      changed: this.changed.copy(),
      writes: this.writes.copy(),
    };
  }

  /**
   * Restarts with what had reached the disk. Cancellations are taken to have reached it: an API that answered an error has
   * nothing else that outlives it, so losing one is a gap that only `appendfsync always` closes.
   */
  rollBack(): void {
    if (this.#onDisk === null) return;
    this.#rolledBack = true;
    const jobs = copyOf(this.#onDisk.jobs);
    for (const [id, job] of this.jobs) if (job.name === "cancel-creation") jobs.set(id, job);
    this.jobs = jobs;
    this.leases = copyOf(this.#onDisk.leases);
    this.due.restore(this.#onDisk.due);
    this.hints.restore(this.#onDisk.hints);
    this.changed.restore(this.#onDisk.changed);
    this.writes.restore(this.#onDisk.writes);
    this.runs += 1;
  }

  /** Redis's time in microseconds, which no roll-back sets back. */
  #fence(): number {
    return Math.floor(this.#world.now) * 1_000 + (this.#grants % 1_000);
  }

  #lease(script: string, name: string, holder: string, token: string, durationMs: number): unknown {
    const lease = this.leases.get(name);
    switch (operationOf(script)) {
      case "acquire free":
        if (lease !== undefined) return "";
        this.leases.set(name, { token, holder, until: this.#world.now + durationMs });
        this.#grants += 1;
        return String(this.#fence());
      case "acquire": {
        if (lease !== undefined && lease.token !== token && lease.until > this.#world.now) return "held";
        this.leases.set(name, { token, holder, until: this.#world.now + durationMs });
        this.#grants += 1;
        return `${lease !== undefined && lease.token !== token ? lease.token : "free"} ${this.#fence()}`;
      }
      case "prolong":
        if (lease?.token !== token || lease.until === 0) return 0;
        lease.until = this.#world.now + durationMs;
        return 1;
      case "release":
        return lease?.token === token ? Number(this.leases.delete(name)) : 0;
      case "abandon":
        if (lease?.token === token) lease.until = 0;
        return 0;
    }
  }
}

/** A job's data and its outcome are never changed, so they need no copies. */
function copyOf<T extends object>(entries: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...entries].map(([name, entry]) => [name, { ...entry }]));
}

export class RedisAwayError extends Error {
  override readonly name = "RedisAwayError";
  readonly mayHaveHappened: boolean;

  constructor(mayHaveHappened: boolean) {
    super("redis is away");
    this.mayHaveHappened = mayHaveHappened;
  }
}

function operationOf(script: string): "acquire free" | "acquire" | "prolong" | "release" | "abandon" {
  if (script.includes("'EXISTS'")) return "acquire free";
  if (script.includes("PEXPIRE")) return "acquire";
  if (script.includes("'TIME'")) return "prolong";
  return script.includes("'DEL'") ? "release" : "abandon";
}
