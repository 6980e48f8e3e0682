import { writePrivateFile } from "@veil/runtime";

/**
 * Says where the metrics are in the form that Prometheus reads for itself, again whenever it changes (`file_sd_configs`).
 *
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
 */
export async function writePrometheusTargets(
  file: string,
  metrics: ReadonlyArray<{ service: string; url: string }>,
): Promise<void> {
  const groups = metrics.map(({ service, url }) => ({
    targets: [new URL(url).host],
    labels: { job: `veil-${service}` },
  }));
  await writePrivateFile(file, `${JSON.stringify(groups, null, 2)}\n`);
}
