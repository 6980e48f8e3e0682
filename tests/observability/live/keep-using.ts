import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** Bots that make, read and delete keys until they are stopped. */
export interface Usage {
  /** Answers so far, by what was asked and the status. */
  readonly answers: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export interface Api {
  readonly url: string;
  readonly key: string;
}

const PAUSE_MS = 150;
const KEYS_TO_KEEP = 12;
const answerWithKey = z.object({ key_id: z.number() });
const answerWithKeys = z.object({ results: z.array(z.object({ key: answerWithKey.optional() })) });

export function keepUsing(api: Api, bots: number): Usage {
  const answers = new Map<string, number>();
  const stopping = new AbortController();
  const running = Array.from({ length: bots }, async () => {
    const keys: number[] = [];
    for (let round = 0; !stopping.signal.aborted; round += 1) {
      await new Bot(api, answers, keys).round(round);
      await sleep(PAUSE_MS);
    }
  });
  return {
    answers,
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

class Bot {
  readonly #api: Api;
  readonly #answers: Map<string, number>;
  readonly #keys: number[];

  constructor(api: Api, answers: Map<string, number>, keys: number[]) {
    this.#api = api;
    this.#answers = answers;
    this.#keys = keys;
  }

  /** Does what bots do all day, and now and then what they do seldom. */
  async round(round: number): Promise<void> {
    const created = answerWithKey.safeParse(await this.#ask("POST", "/api/keys", { name: `user ${round}` }));
    if (created.success) this.#keys.push(created.data.key_id);
    const [oldest] = this.#keys;
    if (oldest !== undefined) {
      await this.#ask("GET", `/api/keys/${oldest}`);
      await this.#ask("GET", `/api/keys/${oldest}/link`);
      await this.#ask("GET", `/api/keys/${oldest}/traffic`);
    }
    if (oldest !== undefined && this.#keys.length > KEYS_TO_KEEP) {
      await this.#ask("DELETE", `/api/keys/${oldest}`);
      this.#keys.shift();
    }
    if (round % 10 === 0) await this.#seldom(round, this.#keys[0] ?? 0);
  }

  async #seldom(round: number, keyId: number): Promise<void> {
    await this.#ask("GET", "/api/keys");
    await this.#ask("GET", "/api/keys/999999999");
    await this.#ask("POST", `/api/keys/${keyId}/traffic/reset`);
    await this.#ask("POST", "/api/traffic/sync");
    await this.#ask("GET", "/api/keys", undefined, { authorization: "Bearer wrong" });
    const repeated = { "idempotency-key": `round-${round}-${Math.random()}` };
    for (const _ of [1, 2]) await this.#ask("POST", "/api/keys", { name: "repeated" }, repeated);
    const batch = answerWithKeys.safeParse(await this.#ask("POST", "/api/keys/batch", { keys: [{}, {}, {}] }));
    const keyIds = batch.success ? batch.data.results.flatMap(({ key }) => key?.key_id ?? []) : [];
    if (keyIds.length > 0) await this.#ask("POST", "/api/keys/batch-delete", { key_ids: keyIds });
  }

  async #ask(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<unknown> {
    const response = await fetch(this.#api.url + path, {
      method,
      headers: { authorization: `Bearer ${this.#api.key}`, "content-type": "application/json", ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const what = `${method} ${path.replace(/\d+/, "{key_id}")} ${response.status}`;
    this.#answers.set(what, (this.#answers.get(what) ?? 0) + 1);
    return response.json();
  }
}
