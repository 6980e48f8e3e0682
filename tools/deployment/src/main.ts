import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseCommand } from "@veil/backup";
import { engineVariables, exitOnSettingsError, readSettings } from "@veil/runtime";
import { z } from "zod";
import { DirectorySecretStore, handOutFiles } from "./directory-secrets.ts";
import { type Consumer, consumers, type Files, handout, mongodbHandout } from "./handout.ts";
import { KubernetesApi } from "@veil/kubernetes";
import { KubernetesHandout } from "./kubernetes-handout.ts";
import { ensureMongodbUsers } from "./mongodb-users.ts";
import { restoreKubernetes } from "./restore-kubernetes.ts";
import { ensureSecrets, type SecretName, type ShownName, shownNames, shownValue } from "./secrets.ts";
import { deploymentSettings, secretsAmong } from "./settings.ts";

const usage = `usage: setup prepare             makes missing secrets and hands out their files
       setup prepare-mongodb     gives MongoDB its users and every service its address
       setup watch-kubernetes    both, as Secrets of this pod's namespace, again and again until it is stopped
       setup restore FILE|DIRECTORY [--replace]
                                 fills the system of this pod's namespace from a backup
       setup show NAME           prints one of: ${shownNames.join(", ")}`;

/** The first start of MongoDB, its image's download not counted. */
const MONGODB_WITHIN_MS = 120_000;
/** Within about this time a secret that an operator changed is handed out. */
const WATCH_EVERY_MS = 10_000;

const settings = exitOnSettingsError(() => readSettings(deploymentSettings, { program: "setup" }));
const [command, name] = process.argv.slice(2);
if (command === "prepare") await prepareDirectories();
else if (command === "prepare-mongodb") await prepareMongodb();
else if (command === "watch-kubernetes") await watchKubernetes();
else if (command === "restore") await restore();
else if (command === "show" && isShownName(name)) await show(name);
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
  const access = await ensureMongodbUsers({ address: settings.MONGODB_ADDRESS, secrets, withinMs: MONGODB_WITHIN_MS });
  say(access === "users" ? "MongoDB has its users." : "MongoDB has no access control, so its users have no passwords.");
  const files = mongodbHandout(secrets, settings, access);
  await handOut("api", files.api);
  await handOut("xray-worker", files["xray-worker"]);
  await handOut("stats-collector", files["stats-collector"]);
}

/** Goes on whatever fails: what is wrong is said, once for each reason, and tried again. */
async function watchKubernetes(): Promise<void> {
  const stopped = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopped.abort());
  const misplaced = secretsAmong(settings).map((one) => `${one} as ${one.toLowerCase().replaceAll("_", "-")}`);
  if (misplaced.length > 0) say(`In the Secret veil-secrets, and in no ConfigMap, belong: ${misplaced.join(", ")}.`);
  const watch = new KubernetesHandout(await KubernetesApi.ofThisPod(), settings);
  let said: string | null = null;
  while (!stopped.signal.aborted) {
    try {
      const { made, restarted } = await watch.prepare();
      if (said !== "") report(made, "Secret veil-secrets");
      if (restarted.length > 0) say(`${restarted.join(", ")} start anew with what has changed.`);
      said = "";
    } catch (error) {
      if (String(error) !== said) complain(String(error), 1);
      said = String(error);
    }
    await delay(WATCH_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
  }
}

function handOut(consumer: Consumer, files: Files): Promise<void> {
  return handOutFiles(join(settings.VEIL_HANDOUT_DIR, consumer), files);
}

async function restore(): Promise<void> {
  const asked = parseCommand(process.argv.slice(2));
  if (asked?.action !== "restore") {
    process.exitCode = complain(usage, 64);
    return;
  }
  const { MONGODB_URI } = exitOnSettingsError(() =>
    readSettings(z.object({ MONGODB_URI: engineVariables.MONGODB_URI }), { program: "setup restore" }),
  );
  process.exitCode = await restoreKubernetes(asked, MONGODB_URI, await KubernetesApi.ofThisPod(), say);
}

async function show(wanted: ShownName): Promise<void> {
  const value = shownValue(await new DirectorySecretStore(settings.VEIL_SECRETS_DIR).read(), wanted);
  if (value === undefined) process.exitCode = complain(`there is no ${wanted} yet: run "setup prepare" first`, 1);
  else say(value);
}

function report(made: readonly SecretName[], place: string): void {
  if (made.length > 0) say(`Made ${made.join(", ")}. They are kept in ${place}: back it up.`);
  else say(`All secrets are there, in ${place}.`);
}

function isShownName(text: string | undefined): text is ShownName {
  return shownNames.some((known) => known === text);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string, exitCode: number): number {
  process.stderr.write(`${line}\n`);
  return exitCode;
}
