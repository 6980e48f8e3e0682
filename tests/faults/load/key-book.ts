import type { Asked, Caller, CreatedKey } from "./caller.ts";

/** The story of one key, as the answers to its creator and its deleters tell it. The name is this key's alone. */
export interface KeyStory {
  readonly name: string;
  readonly creation: Asked<CreatedKey>;
  readonly deletions: readonly Asked<unknown>[];
}

/** The fate that a key must have now. `either`: a request about it was never answered, or its deletion failed. */
export type Fate = "alive" | "gone" | "either";

/** The fate that the answers invariant. */
export function fateOf({ creation, deletions }: KeyStory): Fate {
  if (creation.outcome.kind === "refused") return "gone";
  if (deletions.some(({ outcome }) => outcome.kind === "answered")) return "gone";
  if (creation.outcome.kind === "unanswered") return "either";
  return deletions.some(({ outcome }) => !isNotFound(outcome)) ? "either" : "alive";
}

export function isNotFound(outcome: Asked<unknown>["outcome"]): boolean {
  return outcome.kind === "refused" && outcome.status === 404;
}

/** Creates and deletes keys, and remembers what was answered about each. */
export class KeyBook {
  readonly caller: Caller;
  readonly #prefix: string;
  readonly #stories = new Map<string, { name: string; creation: Asked<CreatedKey>; deletions: Asked<unknown>[] }>();
  readonly #beingDeleted = new Set<string>();
  #made = 0;

  constructor(caller: Caller, prefix: string) {
    this.caller = caller;
    this.#prefix = prefix;
  }

  get stories(): readonly KeyStory[] {
    return [...this.#stories.values()];
  }

  async create(): Promise<KeyStory> {
    this.#made += 1;
    const name = `${this.#prefix}-${this.#made}`;
    const story = { name, creation: await this.caller.create(name), deletions: [] };
    this.#stories.set(name, story);
    return story;
  }

  async createMany(count: number): Promise<readonly KeyStory[]> {
    return Promise.all(Array.from({ length: count }, () => this.create()));
  }

  /** Deletes a key. @returns null when its creation was not answered, so that its id is not known */
  async delete(name: string): Promise<Asked<unknown> | null> {
    const keyId = this.keyIdOf(name);
    if (keyId === null) return null;
    this.#beingDeleted.add(name);
    const asked = await this.caller.delete(keyId);
    this.#stories.get(name)?.deletions.push(asked);
    return asked;
  }

  keyIdOf(name: string): number | null {
    const outcome = this.#stories.get(name)?.creation.outcome;
    return outcome?.kind === "answered" ? outcome.value.key_id : null;
  }

  /** Keys that surely exist and that nobody deletes yet. */
  get untouched(): readonly KeyStory[] {
    return this.stories.filter(
      ({ name, creation }) => creation.outcome.kind === "answered" && !this.#beingDeleted.has(name),
    );
  }
}
