import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Files } from "./handout.ts";
import type { KubernetesApi } from "@veil/kubernetes";
import {
  type ChangedSecrets,
  type KeptSecrets,
  optionalSecretNames,
  type SecretStore,
  secretNames,
} from "./secrets.ts";

const names = [...secretNames, ...optionalSecretNames];

/** Stands on a Secret from its change until the pods that mount it are being replaced. */
const RESTART_DUE = "veil/restart-due";
/** Another one wrote the Secret since it was read, or made it. */
const CONFLICT = 409;
const ATTEMPTS = 5;

const texts = z.record(z.string(), z.string()).default({});

/** Loose, for a Secret is written back with all that others gave it; its `resourceVersion` keeps their changes from being lost. */
const secretSchema = z.looseObject({
  metadata: z.looseObject({ annotations: texts, labels: texts }).default({ annotations: {}, labels: {} }),
  /** In base64. */
  data: texts,
});
type Secret = z.output<typeof secretSchema>;

/** The Secrets of a namespace. */
export class KubernetesSecrets {
  readonly #api: Pick<KubernetesApi, "call">;

  constructor(api: Pick<KubernetesApi, "call">) {
    this.#api = api;
  }

  /** The decoded content of a Secret, or undefined when there is none of this name. @throws {KubernetesApiError} */
  async read(name: string): Promise<Files | undefined> {
    const found = await this.#find(name);
    if (found === undefined) return undefined;
    const files: Record<string, string> = {};
    for (const [key, value] of Object.entries(found.data)) files[key] = Buffer.from(value, "base64").toString();
    return files;
  }

  /**
   * Makes a Secret, or gives it this content and no other.
   *
   * @returns whether those who mount it have to start anew: it had another content, until {@link restarted}
   * @throws {KubernetesApiError}
   */
  async write(name: string, files: Files): Promise<boolean> {
    const data = encoded(files);
    const found = await this.#change(name, (secret) => {
      if (secret === undefined) return { ...newSecret(name), data };
      return isDeepStrictEqual(secret.data, data) ? secret : { ...annotated(secret, { [RESTART_DUE]: "true" }), data };
    });
    return found !== undefined && (RESTART_DUE in found.metadata.annotations || !isDeepStrictEqual(found.data, data));
  }

  /** Makes a Secret, or puts files into it beside the others that it has. @throws {KubernetesApiError} */
  async add(name: string, files: Files): Promise<void> {
    await this.#change(name, (secret = newSecret(name)) => ({
      ...secret,
      data: { ...secret.data, ...encoded(files) },
    }));
  }

  /** Notes that the pods that mount a Secret are being replaced. @throws {KubernetesApiError} */
  async restarted(name: string): Promise<void> {
    await this.#change(name, (secret) => secret && annotated(secret, { [RESTART_DUE]: undefined }));
  }

  /** Reads a Secret and writes what it is to be, anew where another one was faster. @returns what it was */
  async #change(name: string, change: (found: Secret | undefined) => Secret | undefined): Promise<Secret | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await this.#find(name);
      const body = change(found);
      if (body === undefined || isDeepStrictEqual(body, found)) return found;
      const options = { body, unless: attempt < ATTEMPTS ? [CONFLICT] : [] };
      const [method, path] =
        found === undefined ? (["POST", "secrets"] as const) : (["PUT", `secrets/${name}`] as const);
      if ((await this.#api.call(method, "api/v1", path, options)) !== null) return found;
    }
  }

  async #find(name: string): Promise<Secret | undefined> {
    const found = await this.#api.call("GET", "api/v1", `secrets/${name}`, { unless: [404] });
    return found === null ? undefined : secretSchema.parse(found);
  }
}

function newSecret(name: string): Secret {
  const labels = { "app.kubernetes.io/part-of": "veil", "app.kubernetes.io/managed-by": "veil-setup" };
  return { apiVersion: "v1", kind: "Secret", metadata: { name, labels, annotations: {} }, type: "Opaque", data: {} };
}

/** @param changed undefined for an annotation that goes */
function annotated(secret: Secret, changed: Readonly<Record<string, string | undefined>>): Secret {
  const all = Object.entries({ ...secret.metadata.annotations, ...changed });
  const annotations = Object.fromEntries(all.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  return { ...secret, metadata: { ...secret.metadata, annotations } };
}

function encoded(files: Files): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
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

  async write(secrets: ChangedSecrets): Promise<void> {
    await this.#secrets.add(this.#name, secrets);
  }
}
