import { type ApiClient, ApiError } from "../../support/api-client.ts";
import type { Tally } from "../report/tally.ts";

/** The result of a call to the API. An answer that never came may have had any effect. */
export type Outcome<T> =
  | { readonly kind: "answered"; readonly value: T }
  | { readonly kind: "refused"; readonly status: number; readonly detail: string }
  | { readonly kind: "unanswered"; readonly reason: string };

/** One request and what came of it. */
export interface Asked<T> {
  readonly what: string;
  readonly outcome: Outcome<T>;
  /** As `performance.now()` gives it. */
  readonly begunAt: number;
  readonly tookMs: number;
}

/** Longer than any answer may take: what has not come by then is counted as never coming. */
const GIVEN_UP_AFTER_MS = 20_000;

export type CreatedKey = Awaited<ReturnType<ApiClient["create"]>>;

/** Asks the API and notes every outcome with the time it took. */
export class Caller {
  readonly asked: Asked<unknown>[] = [];
  readonly #client: ApiClient;
  readonly #tally: Tally;

  constructor(client: ApiClient, tally: Tally) {
    this.#client = client;
    this.#tally = tally;
  }

  create = (name: string) => this.#ask(`create ${name}`, this.#client.create(name));
  delete = (keyId: number) => this.#ask(`delete ${keyId}`, this.#client.delete(keyId));
  createWith = (body: object) => this.#ask("create with terms", this.#client.createWith(body));
  terms = (keyId: number) => this.#ask(`terms ${keyId}`, this.#client.terms(keyId));
  patch = (keyId: number, body: object, repeatKey: string) =>
    this.#ask(`patch ${keyId} ${JSON.stringify(body)}`, this.#client.patch(keyId, body, repeatKey));
  extend = (keyId: number, seconds: number, repeatKey: string) =>
    this.#ask(`extend ${keyId}`, this.#client.extend(keyId, seconds, repeatKey));
  get = (keyId: number) => this.#ask(`get ${keyId}`, this.#client.get(keyId));
  list = () => this.#ask("list", this.#client.list());
  link = (keyId: number) => this.#ask(`link ${keyId}`, this.#client.link(keyId));
  traffic = (keyId: number) => this.#ask(`traffic ${keyId}`, this.#client.traffic(keyId));
  reset = (keyId: number) => this.#ask(`reset ${keyId}`, this.#client.reset(keyId));
  sync = () => this.#ask("sync", this.#client.sync());
  subscribe = (address: string, hardwareId: string) =>
    this.#ask("subscribe", this.#client.subscribe(address, hardwareId));
  countDevices = (keyId: number) => this.#ask(`devices of ${keyId}`, this.#client.countDevices(keyId));
  write = (method: string, path: string, body: object | undefined, repeatKey: string) =>
    this.#ask(`${method} ${path}`, this.#client.write(method, path, body, repeatKey));

  async #ask<T>(what: string, answer: Promise<T>): Promise<Asked<T>> {
    const begunAt = performance.now();
    const outcome = await outcomeOf(answer);
    const asked = { what, outcome, begunAt, tookMs: performance.now() - begunAt };
    this.asked.push(asked);
    this.#tally.requests += 1;
    return asked;
  }
}

async function outcomeOf<T>(answer: Promise<T>): Promise<Outcome<T>> {
  let timer: NodeJS.Timeout | undefined;
  const givenUp = new Promise<Outcome<T>>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "unanswered", reason: "given up" }), GIVEN_UP_AFTER_MS);
  });
  const outcome = answer.then(
    (value): Outcome<T> => ({ kind: "answered", value }),
    (error: unknown): Outcome<T> =>
      error instanceof ApiError
        ? { kind: "refused", status: error.status, detail: error.message }
        : { kind: "unanswered", reason: reasonOf(error) },
  );
  try {
    return await Promise.race([outcome, givenUp]);
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch` hides what went wrong in the cause of its error. */
function reasonOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : {};
  return cause instanceof Error ? `${String(error)}: ${cause.message}` : String(error);
}
