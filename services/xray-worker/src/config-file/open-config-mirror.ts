import type { KeyStore } from "@veil/keys";
import type { InboundKind } from "@veil/protocols";
import type { ReconciledState } from "@veil/reconciler";
import type { ExclusiveTask } from "@veil/redis";
import { type Clock, lastingFailure, type Logger, runPeriodically, type Stoppable } from "@veil/runtime";
import { configCheck, XrayConfigFile } from "@veil/xray-config";
import type { WorkerSettings } from "../settings.ts";
import { ConfigMirror, type ConfigMirrorOptions } from "./config-mirror.ts";

export interface ConfigMirrorDependencies {
  readonly store: Pick<KeyStore, "find">;
  readonly desired: Pick<ReconciledState, "recentDesired">;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onConfigFile: ConfigMirrorOptions["onWrite"];
}

const TICK_EVERY_MS = 1_000;

/** The mirror of the settings' config file, kept up to date from now on; null when they name none. */
export function openConfigMirror(
  running: Stoppable,
  settings: WorkerSettings,
  of: Pick<ConfigMirrorOptions, "node" | "inboundTag" | "groups"> & { readonly kind: InboundKind },
  { store, desired, exclusive, clock, log, onConfigFile }: ConfigMirrorDependencies,
): ConfigMirror | null {
  const { XRAY_CONFIG_PATH: path, XRAY_BINARY: binary, REALITY_COMMON_SHORT_ID: shortId } = settings;
  const file = configFileOf(settings);
  if (file === null) return null;
  const { protocol } = of.kind;
  if (protocol !== "vless") {
    log.warn({ path, protocol }, "Xray's config file is not kept: it can be for inbounds of VLESS alone");
    return null;
  }
  if (binary === undefined)
    log.warn({ path }, "XRAY_BINARY is not set: Xray's config file is replaced without Xray's check");
  const periodMs = settings.RECONCILE_INTERVAL_SECONDS * 1_000;
  const warning = new DefaultFlowWarning({ ...of, log });
  const mirror = new ConfigMirror({
    ...of,
    file,
    isBraked: settings.XRAY_ORPHAN_BRAKE,
    shortId,
    state: { find: (keyId) => store.find(keyId), recentDesired: (after) => desired.recentDesired(after) },
    exclusive,
    periodMs,
    clock,
    log,
    onDefaultFlow: (flow) => warning.see(flow),
    onWrite: onConfigFile,
  });
  const keeping = runPeriodically({
    everyMs: TICK_EVERY_MS,
    jitter: 0.1,
    task: () => mirror.tick(),
    ...lastingFailure(log, "could not compare Xray's config file with the keys", { node: of.node }),
  });
  running.onStop("loops", "config file", async (deadlineSignal) => {
    await keeping.stop();
    await mirror.close(deadlineSignal);
  });
  return mirror;
}

/** The config file of the settings; null when they name none. */
export function configFileOf({
  XRAY_CONFIG_PATH: path,
  XRAY_BINARY: binary,
}: Pick<WorkerSettings, "XRAY_CONFIG_PATH" | "XRAY_BINARY">): XrayConfigFile | null {
  return path === undefined
    ? null
    : new XrayConfigFile({ path, ...(binary !== undefined && { check: configCheck(binary) }) });
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
