/**
 * Names one counter's run of growth: a node, an epoch of it (one life of its Xray process) and the generation within that
 * epoch (it goes up when a counter falls although the process lives on, because somebody else reset it).
 */
export interface EntryId {
  readonly node: string;
  readonly epoch: number;
  readonly generation: number;
}

/** The name an entry has in a stored record: `<node>:<epoch>:<generation>`, without the dots and dollars MongoDB minds. */
export function formatEntryId(id: EntryId): string {
  return `${id.node}:${id.epoch}:${id.generation}`;
}

/**
 * Reads a name made by {@link formatEntryId}.
 * @throws MalformedEntryIdError
 */
export function parseEntryId(text: string): EntryId {
  const [node, epoch, generation, ...rest] = text.split(":");
  const id = { node: node ?? "", epoch: Number(epoch), generation: Number(generation) };
  if (id.node === "" || !isCount(id.epoch) || !isCount(id.generation) || rest.length > 0) {
    throw new MalformedEntryIdError(text);
  }
  return id;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Thrown when a stored record holds an entry whose name this package did not write. */
export class MalformedEntryIdError extends Error {
  readonly entryId: string;

  constructor(entryId: string) {
    super(`not a ledger entry: ${JSON.stringify(entryId)}`);
    this.name = "MalformedEntryIdError";
    this.entryId = entryId;
  }
}
