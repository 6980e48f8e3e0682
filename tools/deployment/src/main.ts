import { join } from "node:path";
import { exitOnSettingsError, readSettings } from "@veil/runtime";
import { DirectorySecretStore, handOutFiles } from "./directory-secrets.ts";
import { type Consumer, consumers, type Files, handout, mongodbHandout } from "./handout.ts";
import { KubernetesSecretStore, KubernetesSecrets } from "./kubernetes-secrets.ts";
import { ensureMongodbUsers } from "./mongodb-users.ts";
import { ensureSecrets, type SecretName, type Secrets, secretNames } from "./secrets.ts";
import { deploymentSettings } from "./settings.ts";

const usage = `usage: setup prepare             makes missing secrets and hands out their files
       setup prepare-mongodb     gives MongoDB its users and every service its address
       setup prepare-kubernetes  both, as Secrets of this pod's namespace
       setup show NAME           prints one of: ${secretNames.join(", ")}`;

/** The first start of MongoDB, its image's download not counted. */
const MONGODB_WITHIN_MS = 120_000;

const settings = exitOnSettingsError(() => readSettings(deploymentSettings, { program: "setup" }));
const [command, name] = process.argv.slice(2);
if (command === "prepare") await prepareDirectories();
else if (command === "prepare-mongodb") await prepareMongodb();
else if (command === "prepare-kubernetes") await prepareKubernetes();
else if (command === "show" && isSecretName(name)) await show(name);
else process.exitCode = complain(usage, 64);

async function prepareDirectories(): Promise<void> {
  const store = new DirectorySecretStore(settings.VEIL_SECRETS_DIR);
  const { secrets, made } = await ensureSecrets(store, settings);
  const files = handout(secrets, settings);
  for (const consumer of consumers) await handOut(consumer, files[consumer]);
  report(made, store.place);
  say("The API key: docker compose run --rm setup show api-secret-key");
}

async function prepareMongodb(): Promise<void> {
  const { secrets } = await ensureSecrets(new DirectorySecretStore(settings.VEIL_SECRETS_DIR), settings);
  const files = await mongodbFiles(secrets);
  await handOut("api", files.api);
  await handOut("xray-worker", files["xray-worker"]);
  await handOut("stats-collector", files["stats-collector"]);
}

async function prepareKubernetes(): Promise<void> {
  const kubernetes = await KubernetesSecrets.ofThisPod();
  const store = new KubernetesSecretStore(kubernetes, "veil-secrets");
  const { secrets, made } = await ensureSecrets(store, settings);
  const files = handout(secrets, settings);
  const engines = ["redis", "mongodb", "xray", "grafana"] as const;
  for (const engine of engines) await kubernetes.write(`veil-${engine}`, files[engine]);
  const mongodb = await mongodbFiles(secrets);
  const services = ["api", "xray-worker", "stats-collector"] as const;
  for (const service of services) await kubernetes.write(`veil-${service}`, { ...files[service], ...mongodb[service] });
  report(made, store.place);
  say("The API key: kubectl get secret veil-api -o jsonpath='{.data.api-secret-key}' | base64 -d");
}

async function mongodbFiles(secrets: Secrets): Promise<ReturnType<typeof mongodbHandout>> {
  const access = await ensureMongodbUsers({ address: settings.MONGODB_ADDRESS, secrets, withinMs: MONGODB_WITHIN_MS });
  say(access === "users" ? "MongoDB has its users." : "MongoDB has no access control, so its users have no passwords.");
  return mongodbHandout(secrets, settings, access);
}

function handOut(consumer: Consumer, files: Files): Promise<void> {
  return handOutFiles(join(settings.VEIL_HANDOUT_DIR, consumer), files);
}

async function show(wanted: SecretName): Promise<void> {
  const secrets = await new DirectorySecretStore(settings.VEIL_SECRETS_DIR).read();
  const value = secrets[wanted];
  if (value === undefined) process.exitCode = complain(`there is no ${wanted} yet: run "setup prepare" first`, 1);
  else say(value);
}

function report(made: readonly SecretName[], place: string): void {
  if (made.length > 0) say(`Made ${made.join(", ")}. They are kept in ${place}: back it up.`);
  else say(`All secrets are there, in ${place}.`);
}

function isSecretName(text: string | undefined): text is SecretName {
  return secretNames.some((known) => known === text);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string, exitCode: number): number {
  process.stderr.write(`${line}\n`);
  return exitCode;
}
