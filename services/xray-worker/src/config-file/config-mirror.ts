import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { CONFIG_FILE_WAIT_MS, type DesiredUser, desiredOn, isWantedOn, type KeyStore, tryRead } from "@veil/keys";
import { isDatabaseSuspect, neverRevoked, type ReconciledState } from "@veil/reconciler";
import { type Clock, coerceError, type LastingFailure, lastingFailure, type Logger, SharedRun } from "@veil/runtime";
import {
  type ConfigClient,
  ConfigFileError,
  ConfigInvalidError,
  type InboundChanges,
  type XrayConfigFile,
} from "@veil/xray-config";
import { type InboundKind, keyIdOfEmail, protocolNamed, userEmail } from "@veil/protocols";
import pLimit from "p-limit";
import type { NodeGroups } from "../nodes/node-groups.ts";
import { ConfigFileBusyError } from "./only-writer.ts";
import type { WriteInbound } from "./shared-writes.ts";

export interface ConfigMirrorOptions {
  readonly file: Pick<XrayConfigFile, "look">;
  readonly write: WriteInbound;
  /** Whether the file is left as it is when most of its clients are none of the store's. */
  readonly isBraked: boolean;
  /** The node whose config it is. */
  readonly node: string;
  readonly inboundTag: string;
  readonly kind: InboundKind;
  /** Whether it is no fault that the file lacks the inbound: it may be in another one of Xray's, or in none. */
  readonly isOptional: boolean;
  readonly groups: Pick<NodeGroups, "names" | "isCertain">;
  readonly shortId: string;
  readonly state: Pick<KeyStore, "find"> & Pick<ReconciledState, "recentDesired">;
  /** Time between two comparisons with all keys, in milliseconds. */
  readonly periodMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called at each comparison with the flow that Xray gives to clients which name none. */
  readonly onDefaultFlow: (flow: string) => void;
}

/** Creations come back by reconciliation, so a few seconds without them in the file cost nothing. */
const COLLECT_MS = 2_000;
/** With many clients a write takes a second: creations then claim at most a sixth of the time. */
const PAUSE_FACTOR = 5;
/** Deletions wait for a write under way, so one that catches up on many keys does it in parts. */
const MOST_COLLECTED = 1_000;
const LOOKED_UP_AT_ONCE = 32;

/**
 * Keeps the active keys of an inbound's groups in the config file of its Xray, so that it comes back with its users while we are away.
 *
 * Level-based, key by key: a write looks up each key that changed and makes the file say what the store says then, so
 * writes can be shared, repeated and lost. Comparing the file with all keys finds those that were lost.
 */
export class ConfigMirror {
  readonly #options: ConfigMirrorOptions;
  readonly #writes: SharedRun<void>;
  readonly #failure: LastingFailure;
  /** Keys that somebody waits for. */
  #urgent = new Set<number>();
  /** Keys that can wait, and whether their users were just added: they may be under creation still. */
  readonly #collected = new Map<number, boolean>();
  /** Keys whose users were just added, which no write takes along before the next batch: most are not decided yet. */
  #added = new Set<number>();
  #collecting: NodeJS.Timeout | null = null;
  #lastWriteMs = 0;
  #comparedAt = Number.NEGATIVE_INFINITY;
  /** When the last comparison knew what should be there, by the monotonic clock: the next one must know of more. */
  #readAfter = Number.NEGATIVE_INFINITY;
  /** False until a write has put the short id in its place and taken away what a killed writer left. */
  #isInOrder = false;
  /** Whether the file lacked the inbound when it was last compared, where that is no fault: then there is nothing to write. */
  #isAbsent = false;
  #closing = false;

  constructor(options: ConfigMirrorOptions) {
    this.#options = options;
    this.#writes = new SharedRun(() => this.#write());
    this.#failure = lastingFailure(
      options.log,
      "could not write Xray's config file: a deleted key may come back with it",
      { node: options.node, inbound: options.inboundTag },
    );
  }

  /** Resolves when the file says of keys what the store said when this was called, or could not be written. Never rejects. */
  async writeNow(...keyIds: readonly number[]): Promise<void> {
    if (this.#isAbsent) return;
    for (const keyId of keyIds) this.#urgent.add(keyId);
    const done = new AbortController();
    const patience = sleep(CONFIG_FILE_WAIT_MS, undefined, { signal: done.signal }).catch(() => undefined);
    await Promise.race([this.#writes.run(), patience]);
    done.abort();
  }

  /** Schedules the key for the next batched write, within seconds. */
  soon(keyId: number): void {
    if (this.#isAbsent) return;
    this.#added.add(keyId);
    if (this.#closing) return;
    const pauseMs = Math.max(COLLECT_MS, this.#lastWriteMs * PAUSE_FACTOR);
    this.#collecting ??= setTimeout(() => {
      this.#collecting = null;
      this.#collectAdded();
      void this.#writes.run();
    }, pauseMs);
  }

  /**
   * Compares the file with all keys when the last comparison is a period ago.
   *
   * @returns false when it is not, or it is not known yet whose keys should be there @throws when it could not
   */
  async tick(): Promise<boolean> {
    const { clock, periodMs, groups } = this.#options;
    if (!groups.isCertain || clock.monotonic() - this.#comparedAt < periodMs) return false;
    await this.#unlessAbsent(() => this.#compare());
    if (this.#isAbsent) this.#forget();
    else if (this.#collected.size > 0 || !this.#isInOrder) {
      do await this.#writes.run();
      while (this.#collected.size > 0 && this.#isInOrder && !this.#closing);
    }
    this.#comparedAt = clock.monotonic();
    return true;
  }

  /** Writes what was still being collected. @param deadlineSignal Aborted when it must not wait for that any longer. */
  async close(deadlineSignal: AbortSignal): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#collecting ?? undefined);
    this.#collectAdded();
    const written = this.#collected.size > 0 ? this.#writes.run() : this.#writes.idle();
    const signaled = new Promise((resolve) => deadlineSignal.addEventListener("abort", resolve, { once: true }));
    if (!deadlineSignal.aborted) await Promise.race([written, signaled]);
  }

  /**
   * Collects the keys whose client is missing, wrong or too many. Both sides may change meanwhile: a write looks again. None
   * where most clients are none of the database's: the worker says so of the node itself.
   */
  async #compare(): Promise<void> {
    const { file, groups, state, inboundTag, shortId, isBraked, clock, onDefaultFlow } = this.#options;
    const { clients: listed, defaultFlow, accepts } = await file.look(inboundTag, this.#protocol.inConfig);
    // From now on: what is deleted while keys are read is written.
    this.#isAbsent = false;
    onDefaultFlow(defaultFlow);
    this.#isInOrder &&= accepts(shortId);
    const desired = desiredOn({ groups: groups.names }, await state.recentDesired(this.#readAfter));
    this.#readAfter = clock.monotonic();
    const right = new Set<number>();
    const different = new Set<number>();
    const orphans = new Set<number>();
    const mismatched = new Set<number>();
    for (const client of listed) {
      const keyId = keyIdOfEmail(client.email);
      if (keyId === null) continue;
      const want = desired.get(keyId);
      const values = want && this.#valuesOf(want);
      if (values === undefined) orphans.add(keyId);
      else if (values[0] !== client.values[0]) mismatched.add(keyId);
      const isRight = isDeepStrictEqual(values, client.values);
      if (isRight && !right.has(keyId)) right.add(keyId);
      else different.add(keyId);
    }
    if (isBraked && (await this.#isDatabaseSuspect(right.size + different.size, orphans, mismatched))) return;
    for (const keyId of desired.keys()) if (!right.has(keyId)) different.add(keyId);
    for (const keyId of different) this.#collect(keyId, false);
  }

  #collect(keyId: number, isAdded: boolean): void {
    this.#collected.set(keyId, isAdded || this.#collected.get(keyId) === true);
  }

  #collectAdded(): void {
    const added = this.#added;
    this.#added = new Set();
    for (const keyId of added) this.#collect(keyId, true);
  }

  async #isDatabaseSuspect(
    ours: number,
    orphans: ReadonlySet<number>,
    mismatched: ReadonlySet<number>,
  ): Promise<boolean> {
    const { state } = this.#options;
    if (!isDatabaseSuspect(ours, orphans.size + mismatched.size)) return false;
    const limit = pLimit(LOOKED_UP_AT_ONCE);
    const keys = await Promise.all([...orphans].map((keyId) => limit(() => tryRead(() => state.find(keyId)))));
    const unknown = keys.filter((key) => key === null).length;
    return isDatabaseSuspect(ours, unknown + (await neverRevoked([...mismatched], state)).length);
  }

  async #write(): Promise<void> {
    const { log, clock, node, inboundTag, write } = this.#options;
    const keys = this.#take();
    const begun = clock.monotonic();
    try {
      await this.#unlessAbsent(() => write(() => this.#changes(keys)));
      this.#lastWriteMs = clock.monotonic() - begun;
      const said = { node, inbound: inboundTag, keys: keys.size, durationMs: this.#lastWriteMs };
      if (!this.#isAbsent) log.debug(said, "config file is up to date");
      this.#failure.onSuccess();
      this.#isInOrder = true;
    } catch (thrown) {
      // A comparison may read keys as they were before the deletions among these.
      for (const [keyId, isAdded] of keys) this.#collect(keyId, isAdded);
      this.#isInOrder = false;
      this.#comparedAt = Number.NEGATIVE_INFINITY;
      const err = coerceError(thrown);
      this.#failure.onError(
        err,
        err instanceof ConfigFileError || err instanceof ConfigFileBusyError ? "error" : "warn",
      );
    }
  }

  /** @returns for each key whether its user was just added */
  #take(): ReadonlyMap<number, boolean> {
    const collected = [...this.#collected].slice(0, MOST_COLLECTED);
    for (const [keyId] of collected) this.#collected.delete(keyId);
    const urgent = [...this.#urgent].map((keyId) => [keyId, false] as const);
    this.#urgent = new Set();
    return new Map([...urgent, ...collected]);
  }

  async #changes(keys: ReadonlyMap<number, boolean>): Promise<InboundChanges> {
    const { inboundTag, shortId } = this.#options;
    const form = this.#protocol.inConfig;
    const limit = pLimit(LOOKED_UP_AT_ONCE);
    const clients = await Promise.all([...keys].map(([keyId, isAdded]) => limit(() => this.#clientOf(keyId, isAdded))));
    return { inboundTag, form, shortId, clients: new Map(clients.filter((client) => client !== null)) };
  }

  /** @returns null where the client is to stay as it is, since the key's record makes no sense */
  async #clientOf(keyId: number, isAdded: boolean): Promise<[email: string, client: ConfigClient | null] | null> {
    const { state, groups, clock } = this.#options;
    const key = await tryRead(() => state.find(keyId));
    if (key === "unreadable") return null;
    // No decision has fallen yet: whoever finds the claim overdue refuses it, so this ends.
    if (key === null && isAdded) this.soon(keyId);
    const email = userEmail(keyId);
    if (key === null || !isWantedOn(key, { groups: groups.names }, clock.now())) return [email, null];
    return [email, { email, values: this.#valuesOf(key) }];
  }

  #valuesOf(key: Pick<DesiredUser, "uuid" | "flow">): ConfigClient["values"] {
    return this.#protocol.inConfig.valuesOf(this.#protocol.accountOf(key, this.#options.kind));
  }

  get #protocol() {
    return protocolNamed(this.#options.kind.protocol);
  }

  /** Does nothing where the file lacks an inbound that it need not have. That is logged once. */
  async #unlessAbsent(task: () => Promise<void>): Promise<void> {
    const { isOptional, node, inboundTag, log } = this.#options;
    try {
      await task();
      this.#isAbsent = false;
    } catch (error) {
      if (!isOptional || !(error instanceof ConfigInvalidError) || !error.lacksInbound) throw error;
      if (!this.#isAbsent)
        log.warn({ node, inbound: inboundTag, err: error }, "Xray's config file is not kept for an inbound");
      this.#isAbsent = true;
    }
  }

  #forget(): void {
    this.#urgent.clear();
    this.#added.clear();
    this.#collected.clear();
  }
}
