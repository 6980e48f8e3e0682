import type { KeyStore } from "@veil/keys";
import type { Place } from "@veil/nodes";
import type { ReconciledState } from "@veil/reconciler";
import type { ExclusiveTask } from "@veil/redis";
import { type Clock, lastingFailure, type Logger, runPeriodically, type Stoppable } from "@veil/runtime";
import { configCheck, XrayConfigFile } from "@veil/xray-config";
import type { WorkerSettings } from "../settings.ts";
import type { NodeGroups } from "../nodes/node-groups.ts";
import { ConfigMirror, type ConfigMirrorOptions } from "./config-mirror.ts";
import type { EmptiedFile } from "./emptied-file.ts";
import { onlyWriterOf } from "./only-writer.ts";
import { SharedWrites, type SharedWritesOptions } from "./shared-writes.ts";

export interface ConfigMirrorDependencies {
  readonly store: Pick<KeyStore, "find">;
  readonly desired: Pick<ReconciledState, "recentDesired">;
  readonly clock: Clock;
  readonly log: Logger;
  /** The config file that is kept; null for none. */
  readonly configFile: KeptConfigFile | null;
  readonly inFile: Pick<EmptiedFile, "empty">;
}

/** A config file, and what its inbounds write together. */
export interface KeptConfigFile {
  readonly file: XrayConfigFile;
  readonly writes: SharedWrites;
  /** The node whose config it is. */
  readonly node: string;
}

/** The config file that the settings name; null when they name none. @param onWrite called with how each write of it ended */
export function keptConfigFile(
  settings: WorkerSettings,
  node: string,
  {
    exclusive,
    log,
  }: { readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">; readonly log: Pick<Logger, "warn"> },
  onWrite: SharedWritesOptions["onWrite"],
): KeptConfigFile | null {
  const { XRAY_CONFIG_PATH: path, XRAY_BINARY: binary } = settings;
  if (path === undefined) return null;
  if (binary === undefined)
    log.warn({ path }, "XRAY_BINARY is not set: Xray's config file is replaced without Xray's check");
  const file = new XrayConfigFile({ path, ...(binary !== undefined && { check: configCheck(binary) }) });
  return { file, node, writes: new SharedWrites({ file, onlyWriter: onlyWriterOf(node, exclusive), onWrite }) };
}

const TICK_EVERY_MS = 1_000;

/** Keeps an inbound up to date in its node's config file from now on; null when that is not kept. */
export function openConfigMirror(
  running: Stoppable,
  settings: Pick<WorkerSettings, "RECONCILE_INTERVAL_SECONDS" | "XRAY_ORPHAN_BRAKE">,
  place: Place,
  { groups, shortId }: Pick<ConfigMirrorOptions, "shortId"> & { readonly groups: NodeGroups },
  { store, desired, clock, log, configFile, inFile }: ConfigMirrorDependencies,
): ConfigMirror | null {
  if (configFile?.node !== place.of.name) return null;
  const of = {
    ...{ node: place.of.name, inboundTag: place.inbound.tag, kind: place.inbound, groups, shortId },
    isOptional: place.name !== place.of.name,
  };
  const { file, writes } = configFile;
  const periodMs = settings.RECONCILE_INTERVAL_SECONDS * 1_000;
  const warning = new DefaultFlowWarning({ ...of, log });
  const mirror = new ConfigMirror({
    ...of,
    file,
    write: writes.write,
    isBraked: settings.XRAY_ORPHAN_BRAKE,
    state: { find: (keyId) => store.find(keyId), recentDesired: (after) => desired.recentDesired(after) },
    periodMs,
    clock,
    log,
    onDefaultFlow: (flow) => warning.see(flow),
  });
  const keeping = runPeriodically({
    everyMs: TICK_EVERY_MS,
    jitter: 0.1,
    task: () => mirror.tick(),
    ...lastingFailure(log, "could not compare Xray's config file with the keys", {
      node: of.node,
      inbound: of.inboundTag,
    }),
  });
  running.onStop("loops", `config file ${of.inboundTag}`, async (deadlineSignal) => {
    await keeping.stop();
    await mirror.close(deadlineSignal);
    // A worker that has no file may have been the one to end the inbound: nobody compares the file with the keys from now on.
    if (groups.isLeaving) await inFile.empty(place);
  });
  return mirror;
}

interface DefaultFlowWarningOptions {
  /** The node whose config it is. */
  readonly node: string;
  readonly inboundTag: string;
  readonly log: Pick<Logger, "warn">;
}

/**
 * Warns of a config file whose inbound gives a flow to every client that names none. Xray knows no word for "none" in a
 * client, so nothing that the worker writes there helps.
 */
class DefaultFlowWarning {
  readonly #options: DefaultFlowWarningOptions;
  #isSaid = false;

  constructor(options: DefaultFlowWarningOptions) {
    this.#options = options;
  }

  /** Warns when such a flow has appeared since the last look. @param flow empty for none */
  see(flow: string): void {
    const { node, inboundTag, log } = this.#options;
    if (flow !== "" && !this.#isSaid) {
      log.warn(
        { node, inbound: inboundTag, flow },
        "keys without a flow can't connect when Xray starts from its config file: take \"flow\" out of the inbound's settings",
      );
    }
    this.#isSaid = flow !== "";
  }
}
