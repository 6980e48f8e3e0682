import type { ProcessExit } from "@veil/local-engines";
import type { Tally } from "../report/tally.ts";

/** A process as whoever started it knows it. */
export interface StartedProcess {
  readonly pid: number;
  /** Settles when it has ended. */
  readonly exited: Promise<ProcessExit>;
}

/** How a process that was asked to stop did so. */
export interface Stopped {
  readonly code: number | null;
  readonly tookMs: number;
}

/** A process that faults are done to, and that can be started again with the same address and data. */
export class Victim {
  readonly name: string;
  readonly #start: () => Promise<StartedProcess>;
  readonly #tally: Tally;
  #running: StartedProcess | null = null;

  constructor(name: string, start: () => Promise<StartedProcess>, tally: Tally) {
    this.name = name;
    this.#start = start;
    this.#tally = tally;
  }

  async start(): Promise<void> {
    this.#running ??= await this.#start();
  }

  /** SIGKILL: it can do nothing about it. Resolves when it is gone. */
  async kill(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    process.kill(running.pid, "SIGKILL");
    await running.exited;
    this.#tally.kills += 1;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** SIGSTOP: it lives, keeps its connections, and answers nobody. */
  pause(): void {
    if (this.#running === null) return;
    process.kill(this.#running.pid, "SIGSTOP");
    this.#tally.hangs += 1;
  }

  resume(): void {
    if (this.#running !== null) process.kill(this.#running.pid, "SIGCONT");
  }

  /** SIGTERM, and then nothing but waiting. */
  async terminate(): Promise<Stopped> {
    const running = this.#running;
    if (running === null) throw new Error(`${this.name} does not run`);
    this.#running = null;
    this.#tally.terminations += 1;
    const begun = performance.now();
    process.kill(running.pid, "SIGTERM");
    const { code } = await running.exited;
    return { code, tookMs: performance.now() - begun };
  }
}
