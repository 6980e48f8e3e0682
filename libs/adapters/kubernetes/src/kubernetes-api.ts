import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, fetch, type Response } from "undici";

/** Where a pod finds the API, and its own service account. */
const API_URL = "https://kubernetes.default.svc";
const ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";
const ANSWER_WITHIN_MS = 10_000;
/** A watch that the server does not end in time is cut off so much later. */
const OVERTIME_MS = 5_000;

/** Thrown when the Kubernetes API refuses a call or does not answer it. */
export class KubernetesApiError extends Error {
  override readonly name = "KubernetesApiError";
  /** HTTP status; absent when there was no answer. */
  readonly status: number | undefined;
  /** The same, for whoever tells errors apart by their codes. */
  readonly code: string;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = status === undefined ? "NO_ANSWER" : String(status);
  }
}

export interface KubernetesApiOptions {
  /** Base URL of the Kubernetes API. */
  readonly url: string;
  readonly namespace: string;
  /** The bearer token, asked for with every call: Kubernetes replaces a pod's token within the hour. */
  readonly token: () => Promise<string>;
  /** The certificates that are trusted, as PEM; those of Node when it is left out. No other connection of the process trusts them. */
  readonly ca?: string;
}

interface CallOptions {
  readonly body?: object;
  /** Statuses that are no failure. */
  readonly unless?: readonly number[];
}

interface Call {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The Kubernetes API, of one namespace. */
export class KubernetesApi {
  readonly namespace: string;
  readonly #options: KubernetesApiOptions;
  readonly #agent: Agent;

  constructor(options: KubernetesApiOptions, agent?: Agent) {
    this.namespace = options.namespace;
    this.#options = options;
    this.#agent = agent ?? new Agent({ connect: options.ca === undefined ? {} : { ca: options.ca } });
  }

  /**
   * The API as this pod may use it.
   *
   * @param directory with `token`, `ca.crt` and `namespace`
   * @throws when these are not there, as outside of a pod
   */
  static async ofThisPod({ url = API_URL, directory = ACCOUNT_DIRECTORY } = {}): Promise<KubernetesApi> {
    const read = async (name: string) => (await readFile(join(directory, name), "utf8")).trim();
    const [namespace, ca] = await Promise.all([read("namespace"), read("ca.crt")]);
    return new KubernetesApi({ url, namespace, ca, token: () => read("token") });
  }

  /** The same of another namespace, over the same connections. */
  of(namespace: string): KubernetesApi {
    return new KubernetesApi({ ...this.#options, namespace }, this.#agent);
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
    { body, unless = [] }: CallOptions = {},
  ): Promise<unknown> {
    const init = {
      method,
      headers: { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const answer = await this.#fetch(`${group}/namespaces/${this.namespace}/${path}`, init, ANSWER_WITHIN_MS);
    try {
      const text = await answer.text();
      if (unless.includes(answer.status)) return null;
      if (answer.ok) return JSON.parse(text);
      throw refused(`${method} ${path}`, answer.status, text);
    } catch (cause) {
      throw cause instanceof KubernetesApiError ? cause : this.#unanswered(cause);
    }
  }

  /**
   * Waits until something changed, as the first word of a watch tells, or a while has passed. That the connection breaks is no
   * failure: whoever waits looks again.
   *
   * @param path of a list, with a query that says since when
   * @throws {KubernetesApiError} when the watch is refused, or nobody answers
   */
  async waitForChange(group: string, path: string, withinMs: number, signal: AbortSignal): Promise<void> {
    const query = `watch=true&timeoutSeconds=${Math.ceil(withinMs / 1_000)}`;
    const url = `${group}/namespaces/${this.namespace}/${path}&${query}`;
    let answer: Response;
    try {
      answer = await this.#fetch(url, { method: "GET" }, withinMs + OVERTIME_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    if (!answer.ok && answer.status !== GONE)
      throw refused(`GET ${path}`, answer.status, await answer.text().catch(() => ""));
    const reader = answer.body?.getReader();
    await reader?.read().catch(() => undefined);
    await reader?.cancel().catch(() => undefined);
  }

  /** Ends the connections. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #fetch(path: string, init: Call, withinMs: number, signal?: AbortSignal): Promise<Response> {
    const { url, token } = this.#options;
    const late = AbortSignal.timeout(withinMs);
    try {
      return await fetch(`${url}/${path}`, {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${await token()}` },
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
        dispatcher: this.#agent,
      });
    } catch (cause) {
      throw this.#unanswered(cause);
    }
  }

  #unanswered(cause: unknown): KubernetesApiError {
    return new KubernetesApiError(`${this.#options.url} does not answer`, undefined, { cause });
  }
}

/** The API has forgotten the version by now. */
const GONE = 410;

function refused(what: string, status: number, text: string): KubernetesApiError {
  return new KubernetesApiError(`${what}: ${status} ${text}`, status);
}
