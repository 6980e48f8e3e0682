import type { ServicePart, ServiceParts } from "./service-parts.ts";

export interface NamedPartsOptions<Item, Opened> {
  readonly parts: Pick<ServiceParts, "open">;
  /** Opens what an item needs; what it opens goes with the part. */
  readonly open: (part: ServicePart, item: Item) => Opened;
  /** Whether what is open for one item does for the other, of the same name. */
  readonly isSame: (one: Item, other: Item) => boolean;
  /** Called before an item is opened. */
  readonly onJoined: (name: string) => void;
  /** Called when nothing of an item is open any more, unless one of its name has come back by then. */
  readonly onLeft: (name: string) => void;
}

interface OpenItem<Item, Opened> {
  readonly item: Item;
  readonly part: ServicePart;
  readonly opened: Opened;
}

/** Parts of a service that come and go by name, as a list says that changes while the service runs. */
export class NamedParts<Item extends { readonly name: string }, Opened> {
  readonly #options: NamedPartsOptions<Item, Opened>;
  readonly #open = new Map<string, OpenItem<Item, Opened>>();
  readonly #names: string[] = [];
  readonly #opened: Opened[] = [];

  constructor(options: NamedPartsOptions<Item, Opened>) {
    this.#options = options;
  }

  /** The names of the parts that there are at each moment, in the order of the list. This list itself changes. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** The parts that are open at each moment, in the order of the list. This list itself changes. */
  get opened(): readonly Opened[] {
    return this.#opened;
  }

  /** The open part of a name. @throws {RangeError} when there is none */
  of(name: string): Opened {
    const open = this.#open.get(name);
    if (open === undefined) throw new RangeError(`nothing is open under the name ${name}`);
    return open.opened;
  }

  /** Has parts for these items from now on. One that is another one now is closed and opened anew. */
  follow(items: readonly Item[]): void {
    const { isSame } = this.#options;
    const wanted = new Map(items.map((item) => [item.name, item]));
    for (const [name, { item, part }] of this.#open) {
      const next = wanted.get(name);
      if (next !== undefined && isSame(next, item)) continue;
      this.#open.delete(name);
      void this.#close(name, part);
    }
    for (const item of items) if (!this.#open.has(item.name)) this.#add(item);
    const open = items.flatMap(({ name }) => this.#open.get(name) ?? []);
    this.#names.splice(0, this.#names.length, ...open.map(({ item }) => item.name));
    this.#opened.splice(0, this.#opened.length, ...open.map(({ opened }) => opened));
  }

  async #close(name: string, part: ServicePart): Promise<void> {
    await part.close();
    if (!this.#open.has(name)) this.#options.onLeft(name);
  }

  #add(item: Item): void {
    const { parts, open, onJoined } = this.#options;
    onJoined(item.name);
    const part = parts.open();
    this.#open.set(item.name, { item, part, opened: open(part, item) });
  }
}
