import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Files } from "./handout.ts";
import type { KubernetesApi } from "@veil/kubernetes";
import { type KeptSecrets, optionalSecretNames, type Secrets, type SecretStore, secretNames } from "./secrets.ts";

const names = [...secretNames, ...optionalSecretNames];

/** Stands on a Secret from its change until the pods that mount it are being replaced. */
const RESTART_DUE = "veil/restart-due";

const secretSchema = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }).default({ annotations: {} }),
  data: z.record(z.string(), z.string()).default({}),
});

/** The Secrets of a namespace. */
export class KubernetesSecrets {
  readonly #api: Pick<KubernetesApi, "call">;

  constructor(api: Pick<KubernetesApi, "call">) {
    this.#api = api;
  }

  /** The decoded content of a Secret, or undefined when there is none of this name. @throws {KubernetesApiError} */
  async read(name: string): Promise<Files | undefined> {
    return (await this.#find(name))?.files;
  }

  /**
   * Makes a Secret, or gives it this content.
   *
   * @returns whether those who mount it have to start anew: it had another content, until {@link restarted}
   * @throws {KubernetesApiError}
   */
  async write(name: string, files: Files): Promise<boolean> {
    const found = await this.#find(name);
    if (found === undefined) {
      await this.#api.call("POST", "api/v1", "secrets", { body: secretOf(name, files, false) });
      return false;
    }
    if (isDeepStrictEqual(found.files, files)) return found.isRestartDue;
    await this.#api.call("PUT", "api/v1", `secrets/${name}`, { body: secretOf(name, files, true) });
    return true;
  }

  /** Notes that the pods that mount a Secret are being replaced. @throws {KubernetesApiError} */
  async restarted(name: string, files: Files): Promise<void> {
    await this.#api.call("PUT", "api/v1", `secrets/${name}`, { body: secretOf(name, files, false) });
  }

  async #find(name: string): Promise<{ readonly files: Files; readonly isRestartDue: boolean } | undefined> {
    const found = await this.#api.call("GET", "api/v1", `secrets/${name}`, { unless: [404] });
    if (found === null) return undefined;
    const { metadata, data } = secretSchema.parse(found);
    const files: Record<string, string> = {};
    for (const [key, value] of Object.entries(data)) files[key] = Buffer.from(value, "base64").toString();
    return { files, isRestartDue: RESTART_DUE in metadata.annotations };
  }
}

function secretOf(name: string, files: Files, isRestartDue: boolean): object {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      labels: { "app.kubernetes.io/part-of": "veil", "app.kubernetes.io/managed-by": "veil-setup" },
      annotations: isRestartDue ? { [RESTART_DUE]: "true" } : {},
    },
    type: "Opaque",
    stringData: files,
  };
}

/** Keeps all secrets in one Kubernetes Secret that no pod mounts. */
export class KubernetesSecretStore implements SecretStore {
  readonly place: string;
  readonly #secrets: KubernetesSecrets;
  readonly #name: string;

  constructor(secrets: KubernetesSecrets, name: string) {
    this.place = `Secret ${name}`;
    this.#secrets = secrets;
    this.#name = name;
  }

  async read(): Promise<KeptSecrets> {
    const found = (await this.#secrets.read(this.#name)) ?? {};
    return Object.fromEntries(names.flatMap((name) => (found[name] ? [[name, found[name]]] : [])));
  }

  async write(secrets: Secrets): Promise<void> {
    await this.#secrets.write(this.#name, secrets);
  }
}
