import type { ExclusiveTask } from "@veil/leases";
import type { DesiredState } from "@veil/reconciler";
import { type Clock, type Logger, type RunningService, runPeriodically } from "@veil/service-runtime";
import { configCheck, XrayConfigFile } from "@veil/xray-config-file";
import { ConfigMirror, type ConfigMirrorOptions } from "./config-mirror.ts";
import type { WorkerSettings } from "./settings.ts";

export interface ConfigMirrorDependencies {
  readonly store: Pick<DesiredState, "findDesired">;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onConfigFile: ConfigMirrorOptions["onRun"];
}

/** The mirror of the settings' config file, kept up to date from now on; null when they name none. */
export function openConfigMirror(
  running: RunningService,
  settings: WorkerSettings,
  of: Pick<ConfigMirrorOptions, "node" | "inboundTag" | "flow">,
  { store, exclusive, clock, log, onConfigFile }: ConfigMirrorDependencies,
): ConfigMirror | null {
  const { XRAY_CONFIG_PATH: path, XRAY_BINARY: binary, REALITY_COMMON_SHORT_ID: shortId } = settings;
  if (path === undefined) return null;
  if (binary === undefined)
    log.warn({ path }, "XRAY_BINARY is not set: Xray's config file is replaced unchecked by Xray");
  const file = new XrayConfigFile({ path, ...(binary !== undefined && { check: configCheck(binary) }) });
  const mirror = new ConfigMirror({ ...of, file, shortId, state: store, exclusive, clock, log, onRun: onConfigFile });
  const keeping = runPeriodically({
    everyMs: settings.RECONCILE_INTERVAL_SECONDS * 1_000,
    jitter: 0.1,
    task: () => mirror.settle(),
    onError: (err) => log.error({ err }, "could not keep Xray's config file"),
  });
  running.onStop("loops", "config file", async () => {
    await keeping.stop();
    await mirror.close();
  });
  return mirror;
}
