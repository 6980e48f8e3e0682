import { isDeepStrictEqual } from "node:util";
import { type Consumer, consumers, type Files, handout, mongodbHandout } from "./handout.ts";
import type { KubernetesApi } from "@veil/kubernetes";
import { KubernetesSecretStore, KubernetesSecrets } from "./kubernetes-secrets.ts";
import { ensureMongodbUsers } from "./mongodb-users.ts";
import { ensureSecrets, type SecretName, type Secrets } from "./secrets.ts";
import type { DeploymentSettings } from "./settings.ts";

/** A MongoDB that is away must not keep a change from the engines for long. */
const MONGODB_WITHIN_MS = 10_000;

/**
 * The workload that runs each consumer. MongoDB is left alone: it reads its root password when its data are made, and
 * never again. Grafana is none of ours in a cluster.
 */
const workloads: Readonly<Partial<Record<Consumer, readonly string[]>>> = {
  api: ["deployments/api"],
  "xray-worker": ["deployments/xray-worker"],
  "stats-collector": ["deployments/stats-collector"],
  xray: ["deployments/xray", "daemonsets/xray-node"],
  redis: ["statefulsets/redis"],
};

/** The secrets of a cluster: made where they are missing, handed out, and taken by those who mount them. */
export class KubernetesHandout {
  readonly #api: Pick<KubernetesApi, "call">;
  readonly #secrets: KubernetesSecrets;
  readonly #settings: DeploymentSettings;
  /** With which MongoDB's users were brought up to date. */
  #known: Secrets | null = null;

  constructor(api: Pick<KubernetesApi, "call">, settings: DeploymentSettings) {
    this.#api = api;
    this.#secrets = new KubernetesSecrets(api);
    this.#settings = settings;
  }

  /**
   * Brings everything up to date with the settings and the Secret `veil-secrets`. A call that is cut off is carried on
   * by the next one.
   *
   * @returns the secrets that were made, and whose pods are being replaced because their Secret had another content
   * @throws {KubernetesApiError}
   * @throws {MongodbUsersError}
   */
  async prepare(): Promise<{ readonly made: readonly SecretName[]; readonly restarted: readonly Consumer[] }> {
    const store = new KubernetesSecretStore(this.#secrets, "veil-secrets");
    const { secrets, made } = await ensureSecrets(store, this.#settings);
    const { redis, mongodb, xray, grafana, ...services } = handout(secrets, this.#settings);
    // Engines first: a service that starts anew finds them with the password that it has just been given.
    const engines = await this.#handOut({ redis, mongodb, xray, grafana });
    const uris = await this.#mongodbUris(secrets);
    const restarted = await this.#handOut({
      api: { ...services.api, ...uris.api },
      "xray-worker": { ...services["xray-worker"], ...uris["xray-worker"] },
      "stats-collector": { ...services["stats-collector"], ...uris["stats-collector"] },
    });
    return { made, restarted: [...engines, ...restarted] };
  }

  async #mongodbUris(secrets: Secrets): Promise<ReturnType<typeof mongodbHandout>> {
    const { MONGODB_ADDRESS: address } = this.#settings;
    const areKnown = isDeepStrictEqual(secrets, this.#known);
    const access = await ensureMongodbUsers({ address, secrets, withinMs: MONGODB_WITHIN_MS, areKnown });
    this.#known = secrets;
    return mongodbHandout(secrets, this.#settings, access);
  }

  /** @returns whose pods are being replaced */
  async #handOut(files: Readonly<Partial<Record<Consumer, Files>>>): Promise<Consumer[]> {
    const restarted: Consumer[] = [];
    for (const consumer of consumers) {
      const content = files[consumer];
      if (content === undefined || !(await this.#secrets.write(`veil-${consumer}`, content))) continue;
      if (await this.#restart(consumer)) restarted.push(consumer);
      await this.#secrets.restarted(`veil-${consumer}`);
    }
    return restarted;
  }

  /** Has a consumer's pods replaced, as its own rollout strategy says. @returns false when nothing of ours runs it */
  async #restart(consumer: Consumer): Promise<boolean> {
    const annotations = { "veil/restarted-at": new Date().toISOString() };
    const body = { spec: { template: { metadata: { annotations } } } };
    let isAny = false;
    for (const path of workloads[consumer] ?? []) {
      if ((await this.#api.call("PATCH", "apis/apps/v1", path, { body, unless: [404] })) !== null) isAny = true;
    }
    return isAny;
  }
}
