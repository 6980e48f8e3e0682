import { StoreUnavailableError } from "@veil/keys";
import { GrowingLru } from "@veil/runtime";
import { type ApiToken, isTokenOf, tokenIdOf, type TokenReader } from "@veil/tokens";
import { readInTime } from "../jobs/read-in-time.ts";

/** For how long a token is taken as it was read: with the time of a read, a change is known within two seconds. */
const FRESH_MS = 1_000;
/** A read must not hold a request up: what takes longer counts as failed. */
const READ_LIMIT_MS = 500;
/** Tokens that are remembered at most; of ids that none has, as many. */
const MOST_REMEMBERED = 10_000;

interface Remembered {
  /** Null when there was none. */
  readonly token: ApiToken | null;
  /** Monotonic milliseconds: it was so then, or later. */
  readonly at: number;
}

/**
 * The tokens that callers come with, each read from the store at most once a second, however many requests carry it. While the
 * store is unavailable those that were met before go on being taken.
 */
export class KnownTokens {
  readonly #reader: Pick<TokenReader, "find">;
  readonly #monotonic: () => number;
  readonly #known = new GrowingLru<string, Remembered>(MOST_REMEMBERED);
  /** Apart from the others, so that guesses push no token out. */
  readonly #unknown = new GrowingLru<string, Remembered>(MOST_REMEMBERED);
  readonly #reads = new Map<string, Promise<Remembered>>();

  /** @param monotonic milliseconds by a clock that is never set */
  constructor(reader: Pick<TokenReader, "find">, monotonic: () => number = () => performance.now()) {
    this.#reader = reader;
    this.#monotonic = monotonic;
  }

  /**
   * The token of this text; null when it is none, or none any more.
   *
   * @throws {StoreUnavailableError} when it was never met, and the store is unavailable
   * @throws {UnreadableRecordError} when its record makes no sense
   */
  async find(text: string): Promise<ApiToken | null> {
    const id = tokenIdOf(text);
    if (id === null) return null;
    const token = await this.#current(id);
    return token !== null && isTokenOf(text, token) ? token : null;
  }

  async #current(id: string): Promise<ApiToken | null> {
    const remembered = this.#known.get(id) ?? this.#unknown.get(id);
    if (remembered !== undefined && this.#monotonic() - remembered.at < FRESH_MS) return remembered.token;
    try {
      return (await readInTime(this.#read(id), READ_LIMIT_MS)).token;
    } catch (error) {
      // A record that makes no sense may be of a token with fewer rights than it had.
      if (!(error instanceof StoreUnavailableError)) this.#known.delete(id);
      const stale = this.#known.get(id);
      if (stale === undefined) throw error;
      // It is asked for again after a while: not every request has to wait for a store that is away.
      this.#known.set(id, { ...stale, at: this.#monotonic() });
      return stale.token;
    }
  }

  /** One read at a time for each token. */
  #read(id: string): Promise<Remembered> {
    const under = this.#reads.get(id);
    if (under !== undefined) return under;
    const at = this.#monotonic();
    const read = this.#reader
      .find(id)
      .then((token) => this.#remember(id, { token, at }))
      .finally(() => this.#reads.delete(id));
    this.#reads.set(id, read);
    return read;
  }

  #remember(id: string, read: Remembered): Remembered {
    if (read.token === null) this.#known.delete(id);
    (read.token === null ? this.#unknown : this.#known).set(id, read);
    if (read.token !== null) this.#unknown.delete(id);
    return read;
  }
}
