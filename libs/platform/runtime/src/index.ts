/** The common ground of service processes: settings, log, metrics, probes, ordered shutdown, clock, callers' addresses. */
export { type ClientAddress, networkBucket, parseClientAddress } from "./client-address.ts";
export { type Clock, systemClock } from "./clock.ts";
export { coerceError, errorMessage } from "./coerce-error.ts";
export { createLogger, type Logger, type LoggerOptions } from "./create-logger.ts";
export { engineVariables, runtimeSettings } from "./common-settings.ts";
export {
  EXIT_CODE_SETTINGS,
  exitOnSettingsError,
  type SettingProblem,
  SettingsError,
  type SettingsExitPort,
} from "./settings-error.ts";
export { GrowingLru } from "./growing-lru.ts";
export { closeHttp, ListenError, listenHttp } from "./http-listener.ts";
export { type LastingFailure, lastingFailure, LastingFailures } from "./lasting-failure.ts";
export { ObstacleError, SaidReasons } from "./said-reasons.ts";
export {
  type ProcessListeners,
  type ProcessPort,
  type RunningService,
  runService,
  type RunServiceOptions,
  type ServiceState,
} from "./lifecycle.ts";
export { limitRepeats } from "./limit-repeats.ts";
export { ManualClock } from "./manual-clock.ts";
export {
  boundedLabel,
  type CounterOptions,
  createMetrics,
  type GaugeOptions,
  type HistogramOptions,
  type LabelCombination,
  LabelCombinationsError,
  LATENCY_BUCKETS_SECONDS,
  type MetricDescription,
  type MetricOptions,
  type Metrics,
} from "./metrics.ts";
export { type DependentSettings, settingsAmong } from "./unread-settings.ts";
export { type MisspelledSetting, misspelledSettings } from "./misspelled-settings.ts";
export { NamedParts } from "./named-parts.ts";
export { openOpsServer, type OpsParts, type OpsServer, type OpsServerOptions, startOpsServer } from "./ops-server.ts";
export { type PreparedService, prepareService, readPackageVersion, type ServiceDefinition } from "./prepare-service.ts";
export { type PeriodicOptions, type PeriodicTask, runLoop, runPeriodically } from "./periodic.ts";
export { type Environment, type ReadSettingsOptions, readSettings } from "./read-settings.ts";
export type { CheckResult, ReadinessCheck } from "./readiness.ts";
export { RELEASE_ORDER, type Release, type ReleaseGroup } from "./releasers.ts";
export { REDACTED, scrubAddress, scrubData, scrubSecrets } from "./scrub-secrets.ts";
export { type ServicePart, ServiceParts, type Stoppable } from "./service-parts.ts";
export { settingMetadata } from "./setting-metadata.ts";
export {
  booleanFlag,
  commaList,
  commaListOrOff,
  durationMs,
  json,
  LOG_LEVELS,
  type LogLevel,
  logLevel,
  port,
  timeZone,
  url,
  wholeNumber,
} from "./setting-types.ts";
export { SharedClock, type TimeSample } from "./shared-clock.ts";
export { SharedRun } from "./shared-run.ts";
export { TimeLimitError, withinTime } from "./within-time.ts";
export { CoalescedCalls, type CoalescedCallsOptions } from "./coalesced-calls.ts";
export { PUBLIC_MODE, readFileIfThere, writePrivateFile, writePublicFile } from "./files.ts";
