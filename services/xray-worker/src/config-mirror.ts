import { setTimeout as sleep } from "node:timers/promises";
import { type ExclusiveTask, runExclusively } from "@veil/leases";
import type { DesiredState } from "@veil/reconciler";
import type { Clock, Logger } from "@veil/service-runtime";
import type { ConfigClient, XrayConfigFile } from "@veil/xray-config-file";
import { keyIdOfEmail, userEmail, type VlessFlow } from "@veil/xray-protocols";
import { SharedRun } from "./shared-run.ts";

export interface ConfigMirrorOptions {
  readonly file: Pick<XrayConfigFile, "update">;
  /** The node whose config it is. */
  readonly node: string;
  readonly inboundTag: string;
  readonly flow: VlessFlow;
  readonly shortId: string;
  readonly state: Pick<DesiredState, "findDesired">;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onRun: (result: "written" | "unchanged" | "error") => void;
}

/** Creations come back by reconciliation, so a few seconds without them in the file cost nothing. */
const collectMs = 2_000;
/** With many clients a write takes seconds: creations then claim at most a sixth of the time. */
const pauseFactor = 5;
const leaseMs = 5_000;
const longestLeaseWaitMs = 5_000;
const askAgainMs = 25;
/** Shorter than a request's deadline: a disk that hangs must not make deletions fail. */
const longestSettleMs = 6_000;

/**
 * Keeps the active keys in the config file of one node's Xray, so that it comes back with its users while we are away.
 *
 * Level-based: every write puts in what the store says at that time, so writes can be shared, skipped and repeated.
 * A failed one is logged and made up for by the next; while we are alive, the reconciler ends what a stale file brings.
 */
export class ConfigMirror {
  readonly #options: ConfigMirrorOptions;
  readonly #writes: SharedRun;
  #collecting: NodeJS.Timeout | null = null;
  #lastDurationMs = 0;

  constructor(options: ConfigMirrorOptions) {
    this.#options = options;
    this.#writes = new SharedRun(() => this.#write());
  }

  /** Resolves when the file holds what the store held when this was called, or could not be written. Never rejects. */
  async settle(): Promise<void> {
    const tooLong = new AbortController();
    const written = this.#writes.run();
    const patience = sleep(longestSettleMs, undefined, { signal: tooLong.signal }).catch(() => undefined);
    await Promise.race([written, patience]);
    tooLong.abort();
  }

  /** Has the file written within seconds, together with what else comes up until then. */
  soon(): void {
    const pauseMs = Math.max(collectMs, this.#lastDurationMs * pauseFactor);
    this.#collecting ??= setTimeout(() => {
      this.#collecting = null;
      void this.#writes.run();
    }, pauseMs);
  }

  /** Writes what was still being collected. */
  async close(): Promise<void> {
    if (this.#collecting !== null) {
      clearTimeout(this.#collecting);
      this.#collecting = null;
      void this.#writes.run();
    }
    await this.#writes.idle();
  }

  async #write(): Promise<void> {
    const { log, clock, node, onRun } = this.#options;
    const begun = clock.now();
    try {
      const result = await this.#writeExclusively();
      this.#lastDurationMs = clock.now() - begun;
      log.debug({ node, result, durationMs: this.#lastDurationMs }, "config file is up to date");
      onRun(result);
    } catch (err) {
      log.error({ err, node }, "could not write Xray's config file: a deleted key may come back with it");
      onRun("error");
    }
  }

  /** The wish is read under the lease: of two workers the later one knows what the earlier one knew. */
  async #writeExclusively(): Promise<"written" | "unchanged"> {
    const { file, exclusive, node } = this.#options;
    const task = { ...exclusive, subject: `config-file:${node}`, leaseMs };
    const giveUpAt = performance.now() + longestLeaseWaitMs;
    while (true) {
      const done = await runExclusively(task, () => file.update(() => this.#wish()));
      if (done !== null) return done.result;
      if (performance.now() > giveUpAt) throw new ConfigFileBusyError(node);
      await sleep(askAgainMs);
    }
  }

  async #wish() {
    const { state, inboundTag, shortId } = this.#options;
    const desired = await state.findDesired();
    const clients = [...desired.values()].toSorted((one, other) => one.keyId - other.keyId);
    return {
      inboundTag,
      shortId,
      owns: (email: string) => keyIdOfEmail(email) !== null,
      clients: clients.map(
        ({ keyId, uuid }): ConfigClient => ({ email: userEmail(keyId), uuid, flow: this.#options.flow }),
      ),
    };
  }
}

/** Thrown when another worker kept the config file for longer than a write takes. */
class ConfigFileBusyError extends Error {
  override readonly name = "ConfigFileBusyError";

  constructor(node: string) {
    super(`the config file of node ${node} is being written by another worker`);
  }
}
