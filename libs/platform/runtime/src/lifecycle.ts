import { type Clock, systemClock } from "./clock.ts";
import { coerceError } from "./coerce-error.ts";
import type { Logger } from "./create-logger.ts";
import { type Release, type ReleaseGroup, Releasers } from "./releasers.ts";
import { EXIT_CODE_SETTINGS, SettingsError } from "./settings-error.ts";

/** Why a process is asked to stop from outside, or what broke inside it without being caught. */
export interface ProcessListeners {
  readonly onSignal: (signal: "SIGTERM" | "SIGINT") => void;
  readonly onFault: (kind: "uncaughtException" | "unhandledRejection", thrown: unknown) => void;
}

/** The part of a process that its lifecycle needs, as a port, so that tests send signals without sending any. */
export interface ProcessPort {
  /** Listens until the returned function is called. */
  listen(listeners: ProcessListeners): () => void;
  /** Ends the process with a code. */
  exit(code: number): void;
}

/** The process this runs in. */
const systemProcess: ProcessPort = {
  listen({ onSignal, onFault }) {
    const onSigterm = () => onSignal("SIGTERM");
    const onSigint = () => onSignal("SIGINT");
    const onException = (error: unknown) => onFault("uncaughtException", error);
    const onRejection = (reason: unknown) => onFault("unhandledRejection", reason);
    process.on("SIGTERM", onSigterm);
    process.on("SIGINT", onSigint);
    process.on("uncaughtException", onException);
    process.on("unhandledRejection", onRejection);
    return () => {
      process.off("SIGTERM", onSigterm);
      process.off("SIGINT", onSigint);
      process.off("uncaughtException", onException);
      process.off("unhandledRejection", onRejection);
    };
  },
  exit: (code) => process.exit(code),
};

/**
 * Where a service process stands. Every change is logged.
 *
 * - `starting`: opening what it needs; alive, not ready.
 * - `running`: `start` has resolved; ready as long as its dependencies are.
 * - `draining`: asked to stop, or failing; not ready, takes no new work, finishes or hands back what it has.
 * - `stopped`: everything is released or the deadline has passed; the process exits.
 *
 * `starting` goes to `running` or straight to `draining`; nothing ever goes back.
 */
export type ServiceState = "starting" | "running" | "draining" | "stopped";

export interface RunServiceOptions {
  /** Name of the process, for the log. */
  readonly name: string;
  readonly log: Logger;
  /**
   * Opens everything the service needs and starts its work; pushes a releaser for each thing as soon as it is open.
   * When it rejects, what was opened is released and the process exits 1, or 78 for a SettingsError.
   */
  readonly start: (service: RunningService) => Promise<void>;
  /** How long the whole stop may take, in milliseconds. Default 10,000. */
  readonly shutdownDeadlineMs?: number;
  readonly process?: ProcessPort;
  readonly clock?: Clock;
}

/** A service's view of its own process. */
export interface RunningService {
  readonly state: ServiceState;
  /** Aborted when the stop begins, also while the service is still starting. */
  readonly signal: AbortSignal;
  /** Has something released when the process stops; `name` is for the log. */
  onStop(group: ReleaseGroup, name: string, release: Release): void;
  /** Stops in order and exits 1, because the service cannot go on. */
  fail(error: unknown): void;
}

/**
 * Runs a service process from start to exit.
 *
 * SIGTERM and SIGINT stop it in order: not ready, then the groups of {@link RELEASE_ORDER} under one deadline, then
 * exit 0, or 1 when something was not released in time. A second signal exits 1 at once. An uncaught exception or an
 * unhandled rejection is logged and stops it in the same order with exit 1.
 * @returns the exit code; only a test with its own process port ever sees it.
 */
export function runService(options: RunServiceOptions): Promise<number> {
  return new ServiceProcess(options).run();
}

class ServiceProcess implements RunningService {
  readonly #options: RunServiceOptions;
  readonly #log: Logger;
  readonly #process: ProcessPort;
  readonly #releasers: Releasers;
  readonly #stop = new AbortController();
  #state: ServiceState = "starting";
  #exitCode = 0;
  #signals = 0;

  constructor(options: RunServiceOptions) {
    const { log, process = systemProcess, clock = systemClock } = options;
    this.#options = options;
    this.#log = log;
    this.#process = process;
    this.#releasers = new Releasers({ log, clock });
  }

  get state(): ServiceState {
    return this.#state;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  onStop(group: ReleaseGroup, name: string, release: Release): void {
    this.#releasers.add(group, name, release);
  }

  fail(error: unknown): void {
    this.#log.fatal({ err: coerceError(error) }, "service cannot go on");
    this.#requestStop("failure", 1);
  }

  async run(): Promise<number> {
    const unlisten = this.#process.listen({
      onSignal: (signal) => this.#onSignal(signal),
      onFault: (kind, thrown) => this.#onFault(kind, thrown),
    });
    this.#log.info({ state: this.#state, process: this.#options.name }, "service state changed");

    const stopRequested = new Promise((resolve) => this.signal.addEventListener("abort", resolve, { once: true }));
    void this.#start();
    await stopRequested;
    await this.#release();

    this.#enter("stopped", { exit_code: this.#exitCode });
    unlisten();
    this.#process.exit(this.#exitCode);
    return this.#exitCode;
  }

  /** Never rejects. */
  async #start(): Promise<void> {
    try {
      await this.#options.start(this);
      if (!this.signal.aborted) this.#enter("running");
    } catch (err) {
      if (this.signal.aborted) {
        this.#log.info({ err }, "start aborted by the shutdown");
        return;
      }
      this.#log.fatal({ err }, "service could not start");
      this.#requestStop("failed start", err instanceof SettingsError ? EXIT_CODE_SETTINGS : 1);
    }
  }

  #onSignal(signal: string): void {
    this.#signals += 1;
    if (this.#signals === 1) {
      this.#requestStop(signal, 0);
      return;
    }
    this.#log.warn({ signal }, "second signal, exiting at once");
    this.#process.exit(1);
  }

  #onFault(kind: string, thrown: unknown): void {
    this.#log.fatal({ err: coerceError(thrown), kind }, "uncaught error");
    this.#requestStop(kind, 1);
  }

  /** The first request begins the stop; a later one can only turn a clean exit into a failed one. */
  #requestStop(reason: string, exitCode: number): void {
    if (this.#exitCode === 0) this.#exitCode = exitCode;
    if (this.signal.aborted) return;
    this.#enter("draining", { reason });
    this.#stop.abort();
  }

  async #release(): Promise<void> {
    const { shutdownDeadlineMs = 10_000 } = this.#options;
    const unreleased = await this.#releasers.releaseAll(shutdownDeadlineMs);
    if (unreleased.length === 0) return;
    this.#log.error({ unreleased, deadline_ms: shutdownDeadlineMs }, "not everything was released in time");
    if (this.#exitCode === 0) this.#exitCode = 1;
  }

  #enter(state: ServiceState, fields: Record<string, unknown> = {}): void {
    const previous = this.#state;
    this.#state = state;
    this.#log.info({ state, previous, ...fields }, "service state changed");
  }
}
