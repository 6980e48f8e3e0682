import type { ManagedProcess } from "../managed-process.ts";

/** A fault that a process can be put through: SIGKILL, SIGSTOP, SIGTERM. */
export type ProcessFault = "kill" | "hang" | "termination";

/** How a process that was asked to stop did so. */
export interface Stopped {
  readonly code: number | null;
  readonly tookMs: number;
}

/** A process that faults are done to, and that can be started again with the same address and data. */
export class KillableProcess {
  readonly name: string;
  readonly #start: () => Promise<ManagedProcess>;
  readonly #onFault: (fault: ProcessFault) => void;
  #running: ManagedProcess | null = null;

  /** @param onFault called with each fault that is done to it, for those who count them */
  constructor(name: string, start: () => Promise<ManagedProcess>, onFault: (fault: ProcessFault) => void = () => {}) {
    this.name = name;
    this.#start = start;
    this.#onFault = onFault;
  }

  /** The process that runs now. @throws {Error} when none does */
  get current(): ManagedProcess {
    if (this.#running === null) throw new Error(`${this.name} does not run`);
    return this.#running;
  }

  async start(): Promise<void> {
    this.#running ??= await this.#start();
  }

  /** SIGKILL: it can do nothing about it. Resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#running === null) return;
    await this.stop(0);
    this.#onFault("kill");
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** SIGSTOP: it lives, keeps its connections, and answers nobody. */
  pause(): void {
    if (this.#running === null) return;
    this.#running.signal("SIGSTOP");
    this.#onFault("hang");
  }

  resume(): void {
    this.#running?.signal("SIGCONT");
  }

  /** SIGTERM, and then nothing but waiting. @throws {Error} when it does not run */
  async terminate(): Promise<Stopped> {
    const running = this.current;
    this.#running = null;
    this.#onFault("termination");
    const begun = performance.now();
    running.signal("SIGTERM");
    const { code } = await running.exited;
    return { code, tookMs: performance.now() - begun };
  }

  /** Ends it, which is no fault; see {@link ManagedProcess.stop}. */
  async stop(graceMs: number): Promise<void> {
    const running = this.#running;
    this.#running = null;
    await running?.stop(graceMs);
  }
}
