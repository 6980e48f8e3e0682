import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Files } from "./handout.ts";
import { type SecretName, type SecretStore, secretNames } from "./secrets.ts";

/** Where a pod finds its own service account. */
const ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";
const ANSWER_WITHIN_MS = 10_000;

const secretSchema = z.object({ data: z.record(z.string(), z.string()).default({}) });

/** Thrown when the Kubernetes API refuses a call or does not answer it. */
export class KubernetesApiError extends Error {
  override readonly name = "KubernetesApiError";
  /** HTTP status; absent when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export interface KubernetesSecretsOptions {
  /** Base URL of the Kubernetes API. */
  readonly url: string;
  readonly namespace: string;
  readonly token: string;
}

/** The Secrets of the namespace in which this pod runs. */
export class KubernetesSecrets {
  readonly #options: KubernetesSecretsOptions;

  constructor(options: KubernetesSecretsOptions) {
    this.#options = options;
  }

  /** @throws when this is no pod or it has no token */
  static async ofThisPod(): Promise<KubernetesSecrets> {
    const [namespace, token] = await Promise.all(
      ["namespace", "token"].map((name) => readFile(join(ACCOUNT_DIRECTORY, name), "utf8")),
    );
    return new KubernetesSecrets({
      url: "https://kubernetes.default.svc",
      namespace: (namespace ?? "").trim(),
      token: (token ?? "").trim(),
    });
  }

  /** The decoded content of a Secret, or undefined when there is none of this name. @throws {KubernetesApiError} */
  async read(name: string): Promise<Files | undefined> {
    const answer = await this.#call("GET", `/${name}`);
    if (answer.status === 404) return undefined;
    const { data } = secretSchema.parse(await this.#accepted(answer, `read ${name}`));
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
    );
  }

  /** Makes a Secret, or gives it this content. @throws {KubernetesApiError} */
  async write(name: string, files: Files): Promise<void> {
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, labels: { "app.kubernetes.io/part-of": "veil", "app.kubernetes.io/managed-by": "veil-setup" } },
      type: "Opaque",
      stringData: files,
    };
    const made = await this.#call("POST", "", secret);
    if (made.status !== 409) {
      await this.#accepted(made, `make ${name}`);
      return;
    }
    await this.#accepted(await this.#call("PUT", `/${name}`, secret), `replace ${name}`);
  }

  async #call(method: string, path: string, body?: object): Promise<Response> {
    const { url, namespace, token } = this.#options;
    try {
      return await fetch(`${url}/api/v1/namespaces/${namespace}/secrets${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
    } catch (cause) {
      throw new KubernetesApiError(`${url} does not answer`, undefined, { cause });
    }
  }

  async #accepted(answer: Response, what: string): Promise<unknown> {
    const text = await answer.text();
    if (!answer.ok) throw new KubernetesApiError(`could not ${what}: ${answer.status} ${text}`, answer.status);
    return JSON.parse(text);
  }
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

  async read(): Promise<Partial<Record<SecretName, string>>> {
    const found = (await this.#secrets.read(this.#name)) ?? {};
    return Object.fromEntries(secretNames.flatMap((name) => (found[name] ? [[name, found[name]]] : [])));
  }

  async write(secrets: Readonly<Record<SecretName, string>>): Promise<void> {
    await this.#secrets.write(this.#name, secrets);
  }
}
