import { freePort, type ManagedProcess, type ServiceName, startService } from "@veil/engines";
import { EXIT_CODE_SETTINGS } from "@veil/runtime";
import { readLogLine } from "./log-line.ts";
import { type Addresses, serviceEnvironment } from "./service-environment.ts";
import { SettingsRefusedError, type StackContext } from "./stack-context.ts";
import { supervise } from "./supervise.ts";

export interface RunningServices {
  /** Base URL of the API, from this machine. */
  url: string;
  metrics: Array<{ service: ServiceName; url: string }>;
}

/**
 * Starts the three services.
 *
 * @param onRefused is called when one of them refuses its settings, which no restart fixes.
 */
export async function startServices(
  context: StackContext,
  addresses: Addresses,
  onRefused: (error: SettingsRefusedError) => void,
): Promise<RunningServices> {
  const url = baseUrl(context.settings.API_HOST, context.settings.API_PORT);
  const metrics = await Promise.all(
    (["api", "xray-worker", "stats-collector"] as const).map(async (service) => ({
      service,
      url: await superviseService(service, { context, addresses, url, onRefused }),
    })),
  );
  return { url, metrics };
}

interface ServiceStart {
  context: StackContext;
  addresses: Addresses;
  url: string;
  onRefused: (error: SettingsRefusedError) => void;
}

async function superviseService(service: ServiceName, start: ServiceStart): Promise<string> {
  const { context, addresses, url, onRefused } = start;
  const { data, env, settings, runFile, terminal } = context;
  const metricsPort = await freePort();
  const metricsUrl = `${baseUrl(settings.METRICS_HOST, metricsPort)}/metrics`;
  const supervised = await supervise({
    ...context.supervision(service),
    isFinal: ({ code }) => code === EXIT_CODE_SETTINGS,
    start: () =>
      startService({
        name: service,
        env: serviceEnvironment(service, { env, settings, addresses, metricsPort, ...data }),
        logFile: data.logOf(service),
        onLine: (line) => {
          const warning = readLogLine(line);
          if (warning !== undefined) terminal.warn(`${service}: ${warning}`);
        },
        ownGroup: true,
      }),
    onStarted: async (child) => {
      void watchForRefusal(service, child, onRefused);
      await context.children.started(service, child.pid);
      if (service === "api") await runFile.set("api", { pid: child.pid, url });
      else await runFile.set(service, { pid: child.pid, metrics_url: metricsUrl });
    },
  });
  context.stopOrder.add(service === "api" ? "api" : "services", supervised);
  return metricsUrl;
}

async function watchForRefusal(
  service: ServiceName,
  child: ManagedProcess,
  onRefused: ServiceStart["onRefused"],
): Promise<void> {
  const { code } = await child.exited;
  if (code === EXIT_CODE_SETTINGS) onRefused(new SettingsRefusedError(`${service} refuses its settings, see above.`));
}

/** Where a listener is reached from this machine. */
function baseUrl(host: string, port: number): string {
  const reachable = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[host] ?? (host.includes(":") ? `[${host}]` : host);
  return `http://${reachable}:${port}`;
}
