import type { Logger } from "./create-logger.ts";
import type { RunningService } from "./lifecycle.ts";
import type { Metrics } from "./metrics.ts";
import { type OpsServer, startOpsServer } from "./ops-server.ts";

/** Where a service's traces go; the shape of what `@veil/tracing` starts. */
interface TraceSink {
  tellProblems(log: Logger): void;
  stop(): Promise<void>;
}

export interface OpsParts {
  readonly settings: { readonly METRICS_HOST: string; readonly METRICS_PORT: number };
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Null when traces go nowhere. */
  readonly tracing: TraceSink | null;
}

/** Opens what operators look at, until the service has released all else. @throws {ListenError} */
export async function openOpsServer(
  running: RunningService,
  { settings, log, metrics, tracing }: OpsParts,
): Promise<OpsServer> {
  const ops = await startOpsServer({
    host: settings.METRICS_HOST,
    port: settings.METRICS_PORT,
    log,
    metrics,
    state: () => running.state,
  });
  running.onStop("ops", "ops server", () => ops.close());
  tracing?.tellProblems(log);
  running.onStop("ops", "traces", () => tracing?.stop());
  return ops;
}
