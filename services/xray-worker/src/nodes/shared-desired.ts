import {
  type ChangePosition,
  type ChangeReader,
  type Creation,
  type DesiredStore,
  type DesiredUser,
  POSITION_WITHIN_MS,
} from "@veil/keys";
import type { ReconciledState } from "@veil/reconciler";
import { type Clock, SharedRun } from "@veil/runtime";
import { DesiredView } from "./desired-view.ts";

type Users = ReadonlyMap<number, DesiredUser>;

export interface SharedDesiredOptions {
  readonly state: DesiredStore;
  readonly changes: ChangeReader;
  readonly clock: Pick<Clock, "monotonic">;
  /** After so long all keys are read, whatever was noted: what nobody noted is found then. Milliseconds. */
  readonly readAllEveryMs: number;
  /** Called for each read: of all keys, or of those that changed. */
  readonly onRead: (kind: DesiredRead) => void;
}

export type DesiredRead = "all" | "changed";

/** Long enough for the passes over many nodes that begin together, and short enough for few keys to change meanwhile. */
const RECENT_MS = 10_000;
/** So many keys are read by their ids in any case; more as long as they are a small part of all. */
const FEW_KEYS = 200;
const FEW_OF_ALL = 0.02;

/** A view into which all keys were read, and how far it has been brought since. */
interface Read {
  readonly view: DesiredView;
  /** When all keys were read, by the monotonic clock. */
  readonly readAllAt: number;
  /** Up to where changes are in it; null when that could not be had. */
  position: Promise<ChangePosition | null>;
}

/**
 * What the nodes should hold, for all nodes of a process: kept in memory, and brought up to date with the keys that were
 * written since. All keys are read at the start, whenever a change may have been missed, and now and then.
 */
export class SharedDesired implements ReconciledState {
  readonly #options: SharedDesiredOptions;
  readonly #reads: SharedRun<Users>;
  readonly #refreshes: SharedRun<Users>;
  #read: Read | null = null;
  /** Keys about which what is known here turned out to be wrong. */
  readonly #outdated = new Set<number>();
  #last: { readonly begunAt: number; readonly users: Promise<Users> } | null = null;

  constructor(options: SharedDesiredOptions) {
    this.#options = options;
    this.#reads = new SharedRun(() => this.#noted(this.#readAll()));
    this.#refreshes = new SharedRun(() => this.#noted(this.#refresh()));
  }

  findDesired(): Promise<Users> {
    return this.#reads.run();
  }

  recentDesired(after: number): Promise<Users> {
    const last = this.#last;
    const isRecent = last !== null && this.#options.clock.monotonic() - last.begunAt < RECENT_MS;
    return isRecent && last.begunAt > after ? last.users : this.#refreshes.run();
  }

  isIndeterminate(node: string): boolean {
    return this.#read?.view.isIndeterminate(node) === true;
  }

  countIn(groups: readonly string[]): number {
    return this.#read?.view.countIn(groups) ?? 0;
  }

  reread(keyIds: readonly number[]): void {
    for (const keyId of keyIds) this.#outdated.add(keyId);
  }

  hasDesired(atLeast: number, groups: readonly string[]): Promise<boolean> {
    return this.#options.state.hasDesired(atLeast, groups);
  }

  findCreating(): Promise<readonly Creation[]> {
    return this.#options.state.findCreating();
  }

  /** A read that has begun is the last one, whoever asked for it. */
  async #noted(users: Promise<Users>): Promise<Users> {
    const read = { begunAt: this.#options.clock.monotonic(), users };
    this.#last = read;
    try {
      return await users;
    } catch (error) {
      if (this.#last === read) this.#last = null;
      throw error;
    }
  }

  async #readAll(): Promise<Users> {
    const { state, clock, onRead } = this.#options;
    const position = this.#askPosition();
    const readAllAt = clock.monotonic();
    onRead("all");
    const view = new DesiredView((await state.findDesired()).values());
    this.#read = { view, readAllAt, position };
    return view.users;
  }

  /** It is had beside a read that must not wait for it. */
  async #askPosition(): Promise<ChangePosition | null> {
    const { changes, clock } = this.#options;
    const begun = clock.monotonic();
    try {
      const position = await changes.position();
      return clock.monotonic() - begun < POSITION_WITHIN_MS ? position : null;
    } catch {
      return null;
    }
  }

  async #refresh(): Promise<Users> {
    const { changes, clock, readAllEveryMs } = this.#options;
    const read = this.#read;
    if (read === null || clock.monotonic() - read.readAllAt >= readAllEveryMs) return this.#readAll();
    const { view } = read;
    const known = await read.position;
    if (known === null) return this.#readAll();
    const most = Math.max(FEW_KEYS, Math.floor(view.users.size * FEW_OF_ALL));
    const noted = await changes.since(known, most).catch(() => null);
    if (noted === null || noted.keyIds === null) return this.#readAll();
    const outdated = [...this.#outdated];
    await this.#look(view, [...new Set([...noted.keyIds, ...outdated])]);
    for (const keyId of outdated) this.#outdated.delete(keyId);
    read.position = Promise.resolve(noted.position);
    return view.users;
  }

  async #look(view: DesiredView, keyIds: readonly number[]): Promise<void> {
    if (keyIds.length === 0) return;
    const { state, onRead } = this.#options;
    onRead("changed");
    const wanted = await state.findDesiredAmong(keyIds);
    for (const keyId of keyIds) {
      const user = wanted.get(keyId);
      if (user === undefined) view.delete(keyId);
      else view.set(user);
    }
  }
}
