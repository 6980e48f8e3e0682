// Checks docker-compose.yml and everything under k8s/ without running any of it. A check whose tool is not installed is
// left out with a word. KUBERNETES_SCHEMAS is a directory of JSON schemas for kubeconform, those of custom resources among
// them (but the Gateway API's, which are fetched); without it manifests are rendered only.
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { parseAllDocuments } from "yaml";
import { writeHttpRouteSchema } from "./gateway-api-schema.mjs";

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
  compareChart(kustomize);
  for (const overlay of overlays) {
    const rendered = run(kustomize, [kustomize === "kubectl" ? "kustomize" : "build", overlay]);
    report(overlay, rendered);
    if (rendered.status === 0) checkSchemas(overlay, rendered.stdout);
  }
}

function checkChart() {
  if (!runs("helm", ["version"])) return leaveOut("charts/veil", "no helm");
  report("charts/veil, as helm lints it", run("helm", ["lint", "--strict", "charts/veil"]));
  refuse("secrets", "it comes from a Secret");
  refuse("fixed", "the manifests set it in each container");
  for (const values of chartValues) {
    const what = `charts/veil ${values.length === 0 ? "with its own values" : "with everything switched on"}`;
    const rendered = renderChart(values);
    report(what, rendered);
    if (rendered.status === 0) checkSchemas(what, rendered.stdout);
  }
}

/** Unit tests compare the names of each list with those that the services and the manifests have. */
function refuse(list, reason) {
  const template = readFileSync("charts/veil/templates/_settings.tpl", "utf8");
  const [, listed = ""] = new RegExp(`\\$${list} := list (.*) -}}`).exec(template) ?? [];
  const names = listed.match(/[A-Z_]+/g) ?? [];
  const taken = names.filter((name) => {
    const { status, stderr } = renderChart(["--set-string", `settings.${name}=of-the-settings`]);
    return status === 0 || !stderr.includes(`settings.${name}: ${reason}`);
  });
  const what = `charts/veil refuses ${names.length} names among the settings: ${reason}`;
  report(what, { status: names.length === 0 ? 1 : taken.length, stdout: taken.join("\n"), stderr: "" });
}

function renderChart(values) {
  // The version it is rendered for: a helm that was built by hand takes a very old one.
  const cluster = ["--namespace", "veil", "--kube-version", "1.34.0"];
  return run("helm", ["template", "veil", "charts/veil", ...cluster, ...values]);
}

/** The chart as it is and the overlay `cluster` are the same objects, but for what Helm does otherwise. */
function compareChart(kustomize) {
  const what = "charts/veil says what k8s/overlays/cluster says";
  if (!runs("helm", ["version"])) return leaveOut(what, "no helm");
  const overlay = run(kustomize, [kustomize === "kubectl" ? "kustomize" : "build", "k8s/overlays/cluster"]);
  const [ours, theirs] = [renderChart([]), overlay].map(({ stdout }) => comparable(stdout));
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  const other = names.filter((name) => !isDeepStrictEqual(ours[name], theirs[name]));
  report(what, { status: other.length, stdout: other.map((name) => `${name} differs\n`).join(""), stderr: "" });
}

/** Objects by kind and name. The chart restarts pods by a checksum of the settings, kustomize by the name of their map. */
function comparable(manifests) {
  const objects = parseAllDocuments(manifests.replaceAll(/\bveil-settings-[a-z0-9]{10}\b/g, "veil-settings"))
    .map((document) => document.toJS())
    .filter((object) => object !== null && object.kind !== "Namespace" && object.metadata.name !== "api-answers");
  return Object.fromEntries(
    objects.map((object) => {
      const { metadata, spec, data, ...rest } = object;
      const plain = { ...rest, metadata: { name: metadata.name, namespace: metadata.namespace }, spec, data };
      if (spec?.template?.metadata?.annotations?.["checksum/settings"] !== undefined) {
        delete spec.template.metadata.annotations;
      }
      if (object.kind === "Service" && spec.type === "ClusterIP") delete spec.type;
      if (data?.DOMAIN !== undefined) delete data.DOMAIN;
      return [`${object.kind} ${metadata.name}`, plain];
    }),
  );
}

function checkSchemas(what, manifests) {
  const conformance = `${what} against its schemas`;
  const schemas = schemaDirectory();
  if (schemas === null) return leaveOut(conformance, "KUBERNETES_SCHEMAS names no directory");
  if (!runs("kubeconform", ["-v"])) return leaveOut(conformance, "no kubeconform");
  const fetched = mkdtempSync(join(tmpdir(), "veil-schemas-"));
  const missing = /^kind: HTTPRoute$/m.test(manifests) ? writeHttpRouteSchema(fetched) : null;
  if (missing !== null) leaveOut(`${what}: its HTTPRoute`, missing);
  const locations = [schemas, fetched].flatMap((directory) => [
    "-schema-location",
    `${directory}/{{.ResourceKind}}{{.KindSuffix}}.json`,
  ]);
  const skipped = missing === null ? [] : ["-skip", "HTTPRoute"];
  report(conformance, run("kubeconform", ["-strict", "-summary", ...skipped, ...locations, "-"], manifests));
  rmSync(fetched, { recursive: true });
}

function schemaDirectory() {
  const { KUBERNETES_SCHEMAS: directory } = process.env;
  return directory !== undefined && existsSync(directory) ? resolve(directory) : null;
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
  const line = `left out: ${what} (${why})`;
  console.log(line);
  if (process.env.VEIL_LEFT_OUT) appendFileSync(process.env.VEIL_LEFT_OUT, `${line}\n`);
}
