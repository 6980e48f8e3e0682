import {
  type Clock,
  filterOf,
  type KeyFilter,
  type KeyPage,
  type KeyReader,
  type KeyRecord,
  type KeySelection,
  type KeySummary,
  sees,
  type Viewer,
} from "@veil/keys";

/**
 * The keys that the caller of one request may know of: to whoever reads them here there are no others. Operations are given
 * this and never the store, so that none can forget to ask whose key it is.
 *
 * Every method throws StoreUnavailableError while the store is unavailable.
 */
export class CallerKeys implements Viewer {
  readonly owner: string | null;
  readonly #all: KeyReader;
  readonly #counts: Pick<KeyReader, "countActive">;
  readonly #clock: Pick<Clock, "now">;

  /** @param counts where counts are kept that several requests ask for */
  constructor(
    { owner }: Viewer,
    all: KeyReader,
    clock: Pick<Clock, "now">,
    counts: Pick<KeyReader, "countActive"> = all,
  ) {
    this.owner = owner;
    this.#all = all;
    this.#clock = clock;
    this.#counts = counts;
  }

  async find(keyId: number): Promise<KeyRecord | null> {
    return this.#own(await this.#all.find(keyId));
  }

  async findMany(keyIds: readonly number[]): Promise<ReadonlyMap<number, KeyRecord>> {
    return this.#ownOf(await this.#all.findMany(keyIds));
  }

  async findByUuid(uuid: string): Promise<KeyRecord | null> {
    return this.#own(await this.#all.findByUuid(uuid));
  }

  async findByCreateJob(job: string): Promise<KeyRecord | null> {
    return this.#own(await this.#all.findByCreateJob(job));
  }

  async findByCreateJobs(jobs: readonly string[]): Promise<ReadonlyMap<string, KeyRecord>> {
    return this.#ownOf(await this.#all.findByCreateJobs(jobs));
  }

  /** The key that has an external id of the caller's owner; without an owner, one of nobody's. */
  findByExternalId(externalId: string): Promise<KeyRecord | null> {
    return this.#all.findByExternalId({ externalId, owner: this.owner });
  }

  listActive(page: KeyPage = {}): AsyncIterable<readonly KeyRecord[]> {
    const filter = this.#ownFilter(page.filter);
    return this.#all.listActive({ ...page, ...(filter !== undefined && { filter }) });
  }

  /** Ids of all active keys, ascending, in groups. */
  async *listActiveIds(): AsyncGenerator<readonly number[]> {
    const filter = this.#ownFilter();
    const page: KeyPage = filter === undefined ? {} : { filter };
    for await (const group of this.#all.listActiveIds(page)) yield group.map(({ keyId }) => keyId);
  }

  activeAmong(keyIds: readonly number[]): Promise<Set<number>> {
    return this.#all.activeAmong(keyIds, this);
  }

  /** How many of these active keys are the caller's. A caller who sees all is spared the look. */
  async countAmong(keyIds: readonly number[]): Promise<number> {
    return this.owner === null ? keyIds.length : (await this.activeAmong(keyIds)).size;
  }

  countActive(filter?: KeyFilter): Promise<number> {
    return this.#counts.countActive(this.#ownFilter(filter));
  }

  /** Counts the active keys of this moment, by status and by group. */
  summarize(): Promise<KeySummary> {
    return this.#all.summarize(this.#ownFilter() ?? { at: this.#clock.now() });
  }

  /** The filter that finds what was picked out. @param online ids of the keys whose bytes were counted of late */
  filterOf(selection: KeySelection, online: () => Promise<readonly number[]>): Promise<KeyFilter> {
    return filterOf(selection, this, this.#clock.now(), { keys: this.#all, online });
  }

  #own(key: KeyRecord | null): KeyRecord | null {
    return key !== null && sees(this, key) ? key : null;
  }

  #ownOf<Id>(keys: ReadonlyMap<Id, KeyRecord>): ReadonlyMap<Id, KeyRecord> {
    return this.owner === null ? keys : new Map([...keys].filter(([, key]) => sees(this, key)));
  }

  #ownFilter(filter?: KeyFilter): KeyFilter | undefined {
    return this.owner === null ? filter : { ...(filter ?? { at: this.#clock.now() }), owner: this.owner };
  }
}
