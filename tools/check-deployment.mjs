// Checks docker-compose.yml and everything under k8s/ without running any of it. What is not installed is left out with
// a word. KUBERNETES_SCHEMAS is a directory of JSON schemas for kubeconform, those of custom resources among them; without it
// manifests are rendered only.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { existsSync } from "node:fs";

const overlays = ["k8s/overlays/local", "k8s/overlays/cluster", "k8s/overlays/production", "k8s/checks/everything"];
/** Values with which the chart is rendered: its own, and every part that is off by itself. */
const chartValues = [[], ["--values", "charts/checks/everything.yaml"]];
let failed = 0;
checkCompose();
checkKubernetes();
checkChart();
process.exitCode = failed > 0 ? 1 : 0;

function checkCompose() {
  if (!runs("docker", ["compose", "version"])) return leaveOut("docker-compose.yml", "no docker compose");
  const profiles = ["--profile", "observability", "--profile", "tls"];
  report("docker-compose.yml", run("docker", ["compose", ...profiles, "config", "--quiet"]));
}

function checkKubernetes() {
  const kustomize = ["kustomize", "kubectl"].find((name) =>
    runs(name, ["version", ...(name === "kubectl" ? ["--client"] : [])]),
  );
  if (kustomize === undefined) return leaveOut("k8s", "no kustomize, no kubectl");
  const schemas = schemaDirectory();
  for (const overlay of overlays) {
    const rendered = run(kustomize, [kustomize === "kubectl" ? "kustomize" : "build", overlay]);
    report(overlay, rendered);
    if (rendered.status !== 0) continue;
    const conformance = `${overlay} against its schemas`;
    if (schemas === null) leaveOut(conformance, "KUBERNETES_SCHEMAS names no directory");
    else if (!runs("kubeconform", ["-v"])) leaveOut(conformance, "no kubeconform");
    else report(conformance, conform(rendered.stdout, schemas));
  }
}

function checkChart() {
  if (!runs("helm", ["version"])) return leaveOut("charts/veil", "no helm");
  report("charts/veil, as helm lints it", run("helm", ["lint", "--strict", "charts/veil"]));
  const schemas = schemaDirectory();
  for (const values of chartValues) {
    const what = `charts/veil ${values.length === 0 ? "with its own values" : "with everything switched on"}`;
    const rendered = run("helm", ["template", "veil", "charts/veil", "--namespace", "veil", ...values]);
    report(what, rendered);
    if (rendered.status !== 0) continue;
    if (schemas === null) leaveOut(`${what} against its schemas`, "KUBERNETES_SCHEMAS names no directory");
    else if (!runs("kubeconform", ["-v"])) leaveOut(`${what} against its schemas`, "no kubeconform");
    else report(`${what} against its schemas`, conform(rendered.stdout, schemas));
  }
}

function schemaDirectory() {
  const { KUBERNETES_SCHEMAS: directory } = process.env;
  return directory !== undefined && existsSync(directory) ? resolve(directory) : null;
}

function conform(manifests, schemas) {
  const location = `${schemas}/{{.ResourceKind}}{{.KindSuffix}}.json`;
  return run("kubeconform", ["-strict", "-summary", "-schema-location", location, "-"], manifests);
}

function run(command, args, input) {
  return spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, ...(input && { input }) });
}

function runs(command, args) {
  return run(command, args).status === 0;
}

function report(what, { status, stdout, stderr }) {
  if (status === 0) {
    console.log(`ok      ${what}`);
    return;
  }
  failed += 1;
  console.log(`FAILED  ${what}\n${stderr}${stdout}`);
}

function leaveOut(what, why) {
  console.log(`left out: ${what} (${why})`);
}
