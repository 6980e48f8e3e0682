import type { ApiToken, TokenStore } from "../src/index.ts";

/** Tokens in one process. */
export class InMemoryTokens implements TokenStore {
  readonly #tokens = new Map<string, ApiToken>();
  /** Runs before every step; throwing makes it fail. */
  beforeStep: () => Promise<void> = async () => undefined;

  async find(id: string): Promise<ApiToken | null> {
    await this.beforeStep();
    return this.#tokens.get(id) ?? null;
  }

  async list(): Promise<ApiToken[]> {
    await this.beforeStep();
    return [...this.#tokens.values()].toSorted((a, b) => a.createdAt - b.createdAt);
  }

  async insert(token: ApiToken): Promise<"inserted" | "present" | "taken"> {
    await this.beforeStep();
    if (this.#tokens.has(token.id)) return "present";
    if (this.#isTaken(token)) return "taken";
    this.#tokens.set(token.id, token);
    return "inserted";
  }

  async replace(token: ApiToken, revision: number): Promise<"replaced" | "outdated" | "taken"> {
    await this.beforeStep();
    if (this.#tokens.get(token.id)?.revision !== revision) return "outdated";
    if (this.#isTaken(token)) return "taken";
    this.#tokens.set(token.id, token);
    return "replaced";
  }

  async remove(id: string): Promise<boolean> {
    await this.beforeStep();
    return this.#tokens.delete(id);
  }

  #isTaken({ id, name, owner }: ApiToken): boolean {
    return [...this.#tokens.values()].some((other) => other.name === name && other.owner === owner && other.id !== id);
  }
}
