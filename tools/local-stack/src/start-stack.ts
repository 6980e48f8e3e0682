import { withProgress } from "@veil/engines";
import { writePrivateFile } from "@veil/runtime";
import { ensureApiKey } from "./api-key.ts";
import { banner } from "./banner.ts";
import { requireBindable } from "./require-bindable.ts";
import type { StackContext } from "./stack-context.ts";
import { startEngines } from "./start-engines.ts";
import { startServices } from "./start-services.ts";
import { waitUntilReady } from "./until-ready.ts";

const READY_WITHIN_MS = 60_000;

/**
 * Starts everything and returns when keys can be created.
 *
 * @param interrupted aborts the waiting.
 */
export async function startStack(context: StackContext, interrupted: AbortSignal): Promise<void> {
  const { settings, data, terminal } = context;
  await context.children.endLeftovers(terminal.say);
  await context.runFile.remove();
  await requireBindable(settings.API_HOST, settings.API_PORT);
  await ensureApiKey(data.apiKeyFile, settings.API_SECRET_KEY);
  await ensureApiKey(data.webhookKeyFile, undefined);

  const addresses = await startEngines(context);
  interrupted.throwIfAborted();

  const refused = new AbortController();
  const services = await startServices(context, addresses, (error) => refused.abort(error));
  await writePrometheusTargets(data.prometheusTargetsFile, services.metrics);
  const signal = AbortSignal.any([interrupted, refused.signal]);
  await withProgress(terminal.say, "Waiting until keys can be created", () =>
    waitUntilReady({ ...services, withinMs: READY_WITHIN_MS, signal }),
  );
  terminal.endHoldingBack("succeeded");
  terminal.say(
    banner({
      url: services.url,
      apiKeyFile: data.apiKeyFile,
      metrics: services.metrics,
      prometheusTargetsFile: data.prometheusTargetsFile,
      logDirectory: data.logOf("*"),
      hasDocs: settings.DOCS === "on",
      // Installing and building happened in this same process.
      secondsToReady: process.uptime(),
    }),
  );
}

/**
 * Says where the metrics are in the form that Prometheus reads for itself, again whenever it changes (`file_sd_configs`).
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
 */
async function writePrometheusTargets(
  file: string,
  metrics: ReadonlyArray<{ service: string; url: string }>,
): Promise<void> {
  const groups = metrics.map(({ service, url }) => ({
    targets: [new URL(url).host],
    labels: { job: `veil-${service}` },
  }));
  await writePrivateFile(file, `${JSON.stringify(groups, null, 2)}\n`);
}
