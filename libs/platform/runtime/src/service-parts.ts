import type { RunningService } from "./lifecycle.ts";
import type { Logger } from "./create-logger.ts";
import { RELEASE_ORDER, type Release, type ReleaseGroup } from "./releasers.ts";

/** The part of the process that a service's parts need: a way to have things released. */
export type Stoppable = Pick<RunningService, "onStop">;

/** A part of a service that comes and goes while the service runs. */
export interface ServicePart extends Stoppable {
  /** Releases what the part opened, in the order in which a service does. Never rejects; the second call waits for the first. */
  close(): Promise<void>;
}

interface Opened {
  readonly name: string;
  readonly release: Release;
}

/** Nothing is short of time while the service goes on. */
const NO_DEADLINE = new AbortController().signal;

/** The parts of a service that come and go while it runs. Those that are there when it stops are released with it. */
export class ServiceParts {
  readonly #parts = new Set<OpenPart>();
  readonly #log: Pick<Logger, "error">;

  constructor(running: Stoppable, name: string, log: Pick<Logger, "error">) {
    this.#log = log;
    for (const group of RELEASE_ORDER) {
      running.onStop(group, name, async (deadlineSignal) => {
        await Promise.all([...this.#parts].map((part) => part.release(group, deadlineSignal)));
      });
    }
  }

  open(): ServicePart {
    const part = new OpenPart(this.#log, () => this.#parts.delete(part));
    this.#parts.add(part);
    return part;
  }
}

class OpenPart implements ServicePart {
  readonly #opened = new Map<ReleaseGroup, Opened[]>();
  readonly #log: Pick<Logger, "error">;
  readonly #onClosed: () => void;
  #closing: Promise<void> | null = null;

  constructor(log: Pick<Logger, "error">, onClosed: () => void) {
    this.#log = log;
    this.#onClosed = onClosed;
  }

  onStop(group: ReleaseGroup, name: string, release: Release): void {
    const opened = this.#opened.get(group) ?? [];
    this.#opened.set(group, [...opened, { name, release }]);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Releases what is open of a group. Never rejects. */
  async release(group: ReleaseGroup, deadlineSignal: AbortSignal): Promise<void> {
    const opened = this.#opened.get(group) ?? [];
    this.#opened.delete(group);
    await Promise.all(
      opened.map(async ({ name, release }) => {
        try {
          await release(deadlineSignal);
        } catch (err) {
          this.#log.error({ err, resource: name }, "release failed");
        }
      }),
    );
  }

  async #close(): Promise<void> {
    for (const group of RELEASE_ORDER) await this.release(group, NO_DEADLINE);
    this.#onClosed();
  }
}
