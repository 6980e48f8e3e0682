import { readFileSync } from "node:fs";
import { z } from "zod";
import type { runtimeSettings } from "./common-settings.ts";
import { createLogger, type Logger } from "./create-logger.ts";
import { type RunningService, runService } from "./lifecycle.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { warnOfMisspelledSettings } from "./misspelled-settings.ts";
import { openOpsServer, type OpsParts, type OpsServer } from "./ops-server.ts";
import type { ReadSettingsOptions } from "./read-settings.ts";
import { exitOnSettingsError } from "./settings-error.ts";
import { SharedClock } from "./shared-clock.ts";
import { type DependentSettings, warnOfUnreadSettings } from "./unread-settings.ts";

type RuntimeSettings = z.output<z.ZodObject<ReturnType<typeof runtimeSettings>>>;

export interface ServiceDefinition<Settings extends RuntimeSettings> {
  /** Name of the process, for its log and its metrics. */
  readonly name: string;
  /** `import.meta.url` of a module directly in the service's `src/` or `dist/`. */
  readonly moduleUrl: string;
  /** `(options) => readSettings(schema, options)` */
  readonly read: (options: ReadSettingsOptions) => Settings;
  /** Settings of which it is said when nobody reads them; none when left out. */
  readonly dependent?: DependentSettings;
}

/** A service before it opens anything. */
export interface PreparedService<Settings> {
  readonly settings: Settings;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The time of day that all processes of the system share, once somebody has sampled it. */
  readonly clock: SharedClock;
  /**
   * Runs the service until the process is to stop, see {@link runService}.
   *
   * @param tracing where its traces go; null for nowhere
   * @param start opens what the service needs beside its probes and metrics, and starts its work
   */
  run(tracing: OpsParts["tracing"], start: (running: RunningService, ops: OpsServer) => Promise<void>): Promise<void>;
}

/** Reads a service's settings. A bad one is named on standard error, and the process ends with code 78. */
export function prepareService<Settings extends RuntimeSettings>({
  name,
  moduleUrl,
  read,
  dependent = {},
}: ServiceDefinition<Settings>): PreparedService<Settings> {
  const version = readPackageVersion(moduleUrl);
  const settings = exitOnSettingsError(() => read({ program: name }));
  const log = createLogger({ service: name, version, level: settings.LOG_LEVEL });
  warnOfMisspelledSettings(process.env, log);
  warnOfUnreadSettings(dependent, process.env, log);
  const metrics = createMetrics({ service: name, version });
  return {
    settings,
    log,
    metrics,
    clock: new SharedClock(),
    run: async (tracing, start) => {
      await runService({
        name,
        log,
        shutdownDeadlineMs: settings.SHUTDOWN_DEADLINE_MS,
        start: async (running) => start(running, await openOpsServer(running, { settings, log, metrics, tracing })),
      });
    },
  };
}

const packageFile = z.object({ version: z.string() });

/**
 * The version in the package.json of the package whose `src/` or `dist/` holds the calling module.
 * @param moduleUrl `import.meta.url` of a module directly in that folder.
 * @throws when there is no such package.json or it has no version.
 */
export function readPackageVersion(moduleUrl: string): string {
  const file = readFileSync(new URL("../package.json", moduleUrl), "utf8");
  return packageFile.parse(JSON.parse(file)).version;
}
