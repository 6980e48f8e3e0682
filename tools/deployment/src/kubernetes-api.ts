import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a pod finds its own service account. */
const ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";
const ANSWER_WITHIN_MS = 10_000;

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

export interface KubernetesApiOptions {
  /** Base URL of the Kubernetes API. */
  readonly url: string;
  readonly namespace: string;
  /** The bearer token, asked for with every call: Kubernetes replaces a pod's token within the hour. */
  readonly token: () => Promise<string>;
}

/** The Kubernetes API, of one namespace. */
export class KubernetesApi {
  readonly #options: KubernetesApiOptions;

  constructor(options: KubernetesApiOptions) {
    this.#options = options;
  }

  /** The API as this pod may use it. @throws when this is no pod */
  static async ofThisPod(): Promise<KubernetesApi> {
    const read = async (name: string) => (await readFile(join(ACCOUNT_DIRECTORY, name), "utf8")).trim();
    return new KubernetesApi({
      url: "https://kubernetes.default.svc",
      namespace: await read("namespace"),
      token: () => read("token"),
    });
  }

  /**
   * @param group `api/v1` or `apis/<group>/<version>`
   * @param path of a resource inside the namespace
   * @returns what the API answers, or null for an answer of one of the statuses `unless`
   * @throws {KubernetesApiError}
   */
  async call(
    method: "GET" | "POST" | "PUT" | "PATCH",
    group: string,
    path: string,
    { body, unless = [] }: { readonly body?: object; readonly unless?: readonly number[] } = {},
  ): Promise<unknown> {
    const { url, namespace, token } = this.#options;
    const answer = await this.#fetch(`${url}/${group}/namespaces/${namespace}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await token()}`,
        "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (unless.includes(answer.status)) return null;
    if (answer.ok) return JSON.parse(text);
    throw new KubernetesApiError(`${method} ${path}: ${answer.status} ${text}`, answer.status);
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    } catch (cause) {
      throw new KubernetesApiError(`${this.#options.url} does not answer`, undefined, { cause });
    }
  }
}
