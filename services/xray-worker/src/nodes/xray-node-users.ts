import { setTimeout as sleep } from "node:timers/promises";
import {
  type DesiredState,
  type DesiredUser,
  type InboundVault,
  isNodeError,
  MISSING_INBOUND_WAIT_MS,
  type NodeCallOptions,
  type NodeUser,
  type RemoveOptions,
  tryRead,
} from "@veil/keys";
import type { ActualUser, ListedInbound, ReconciledNode, UnreadableAmong } from "@veil/reconciler";
import {
  AccountMismatchError,
  ensureShortId,
  type InboundDefinition,
  InboundMissingError,
  InboundNotListeningError,
  type InboundUser,
  type XrayNode,
} from "@veil/xray-grpc";
import { hasReality, type InboundKind, keyIdOfEmail, PLAIN_KIND, protocolNamed, userEmail } from "@veil/protocols";
import type { BlockedUsers } from "./blocked-users.ts";
import type { ConfigMirror } from "../config-file/config-mirror.ts";
import { nodeErrors } from "./node-errors.ts";
import type { NodeGroups } from "./node-groups.ts";
import { readStoredInbound, type StoredInbound } from "./stored-inbound.ts";

export interface XrayNodeUsersOptions {
  readonly node: XrayNode;
  /** The tag of the inbound. */
  readonly inboundTag: string;
  /** How the inbound speaks with clients; VLESS over TCP when left out. */
  readonly kind?: InboundKind;
  readonly vault: Pick<InboundVault, "save" | "load">;
  /** The short id that every share link names, where Reality is around the inbound. */
  readonly shortId: string;
  readonly groups: Pick<NodeGroups, "names" | "isSettled">;
  /** Where removed users' multiplexed connections are to be cut off. */
  readonly blocked?: Pick<BlockedUsers, "block" | "release"> | null;
  /** Where the users are also kept in the node's config file. */
  readonly mirror?: Pick<ConfigMirror, "writeNow" | "soon"> | null;
}

const ASK_AGAIN_MS = 25;
const ADDED_AT_ONCE = 32;

/** One inbound of an Xray node as the key lifecycle and the reconciler know it: keys in, gRPC calls out. */
export class XrayNodeUsers implements ReconciledNode {
  readonly #options: XrayNodeUsersOptions;
  /** Keys whose users were removed since the node was last looked at. */
  #removed = new Set<number>();
  #needsListing = false;
  /** Since when no call has found the inbound, by the monotonic clock; null while it is there. */
  #missingSince: number | null = null;

  constructor(options: XrayNodeUsersOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.node.name;
  }

  get kind(): InboundKind {
    return this.#options.kind ?? PLAIN_KIND;
  }

  get reachable(): boolean {
    return this.#options.node.reachable;
  }

  get groups(): readonly string[] {
    return this.#options.groups.names;
  }

  get isSettled(): boolean {
    return this.#options.groups.isSettled;
  }

  /** Whether a user was left as it is, though wrong, for the next pass to put right: it has to list the node for that. */
  get needsListing(): boolean {
    return this.#needsListing;
  }

  async add(user: NodeUser, options: NodeCallOptions = {}): Promise<"added" | "exists"> {
    const { node, mirror, blocked } = this.#options;
    const wanted = this.#toInboundUser(user);
    const end = await nodeErrors(this.name, async () => {
      try {
        return await this.#whileInboundMissing(() => node.addUser(wanted, options));
      } catch (error) {
        if (!(error instanceof AccountMismatchError)) throw error;
        // Only the key's holder removes its user; the next pass replaces it for whoever is not.
        if (options.beforeCall === undefined) {
          this.#needsListing = true;
          return "exists";
        }
        await node.removeUser(wanted.email, options);
        return node.addUser(wanted, options);
      }
    });
    if (options.isBack === true) await blocked?.release(wanted.email, isAllowedBy(options));
    mirror?.soon(user.keyId);
    return end;
  }

  /** Out of the file first: an Xray that starts in between must not bring the user back. */
  async remove(keyId: number, { next, isPrepared, ...options }: RemoveOptions = {}): Promise<"removed" | "absent"> {
    const { node, mirror } = this.#options;
    if (next === "add") await mirror?.writeNow(keyId);
    else if (isPrepared !== true) await this.prepareRemovals([keyId], isAllowedBy(options));
    return nodeErrors(this.name, () => this.#whileInboundMissing(() => node.removeUser(userEmail(keyId), options)));
  }

  async prepareRemovals(keyIds: readonly number[], mayChange?: (keyId: number) => boolean): Promise<void> {
    const { blocked, mirror } = this.#options;
    for (const keyId of keyIds) this.#removed.add(keyId);
    const mayBlock = mayChange && ((email: string) => mayChange(keyIdOfEmail(email) ?? 0));
    await Promise.all([mirror?.writeNow(...keyIds), blocked?.block(keyIds.map(userEmail), mayBlock)]);
  }

  /**
   * What it sees is stored, unless that is stored already, before anybody acts on it: when somebody removes the inbound,
   * nobody else knows how it was made and which unmanaged users it had.
   */
  async list(): Promise<ListedInbound> {
    const { node, vault, shortId } = this.#options;
    this.#removed = new Set();
    this.#needsListing = false;
    const [definition, users] = await nodeErrors(this.name, () =>
      Promise.all([node.readInbound(), unlessInboundMissing(() => node.listUsers())]),
    );
    if (definition === null || users === null) {
      return { state: "missing", users: [], rebuild: async (state) => this.#rebuild(await this.#stored(), [], state) };
    }
    this.#missingSince = null;
    const completed = hasReality(this.kind) ? ensureShortId(definition, shortId) : null;
    // Xray lists them in no order; what is stored changes only when they do.
    const unmanaged = users.filter(isUnmanaged).toSorted((a, b) => a.email.localeCompare(b.email));
    const inbound: StoredInbound = { definition: completed ?? definition, foreign: unmanaged };
    const text = JSON.stringify(inbound);
    // What makes no sense would be of use to nobody: the node shows all that is to be known.
    if ((await tryRead(() => vault.load(this.name))) !== text) await vault.save(this.name, text);
    return {
      state: completed === null ? "sound" : "outdated",
      users: users.map(toActualUser),
      rebuild: (state, unreadableAmong) =>
        this.#rebuild(
          inbound,
          users.filter((user) => !isUnmanaged(user)),
          state,
          unreadableAmong,
        ),
    };
  }

  /**
   * With the users under creation as well, and those of keys whose records make no sense. They all are read after the old inbound went: what happened to it is seen. When
   * they can't be read then, for whatever reason, the inbound comes back as it was, without those that this process removed
   * meanwhile.
   */
  async #rebuild(
    inbound: StoredInbound,
    before: readonly InboundUser[],
    state: DesiredState,
    unreadableAmong: UnreadableAmong = async () => new Set(),
  ): Promise<ReadonlyMap<number, DesiredUser>> {
    await nodeErrors(this.name, () => this.#options.node.removeInbound());
    this.#missingSince = null;
    try {
      const creating = await state.findCreating();
      const desired = await state.findDesired();
      const users = new Map<number, NodeUser>([...creating, ...desired.values()].map((user) => [user.keyId, user]));
      const kept = await this.#kept(before, users, unreadableAmong);
      await this.#addInbound(inbound, [...[...users.values()].map((user) => this.#toInboundUser(user)), ...kept]);
      return desired;
    } catch (error) {
      if (!isNodeError(error)) {
        await this.#addInbound(
          inbound,
          before.filter(({ email }) => !this.#removed.has(keyIdOfEmail(email) ?? 0)),
        );
      }
      throw error;
    }
  }

  /** Of users that are wanted no more, as far as it is known, those of which nothing is known. */
  async #kept(
    before: readonly InboundUser[],
    wanted: ReadonlyMap<number, NodeUser>,
    unreadableAmong: UnreadableAmong,
  ): Promise<InboundUser[]> {
    const others = before.flatMap((user) => {
      const keyId = keyIdOfEmail(user.email);
      return keyId === null || wanted.has(keyId) || this.#removed.has(keyId) ? [] : [{ keyId, user }];
    });
    if (others.length === 0) return [];
    const unreadable = await unreadableAmong(others.map(({ keyId }) => keyId));
    return others.filter(({ keyId }) => unreadable.has(keyId)).map(({ user }) => user);
  }

  async #addInbound({ definition, foreign }: StoredInbound, ours: readonly InboundUser[]): Promise<void> {
    await nodeErrors(this.name, async () => {
      const left = await this.#addListening(definition, [...foreign, ...ours]);
      // They take turns at one list: a promise for each of a hundred thousand users would be mostly garbage.
      const waiting = left.values();
      const addRest = async () => {
        for (const user of waiting) await this.#options.node.addUser(user);
      };
      await Promise.all(Array.from({ length: ADDED_AT_ONCE }, addRest));
    });
  }

  /** An inbound that can't listen is taken away again: it would look right and serve nobody. */
  async #addListening(definition: InboundDefinition, users: readonly InboundUser[]): Promise<InboundUser[]> {
    const { node } = this.#options;
    try {
      return await node.addInbound(definition, users);
    } catch (error) {
      if (error instanceof InboundNotListeningError) await node.removeInbound();
      throw error;
    }
  }

  /** It is being put back, mostly: one that somebody has waited for in vain is waited for no more. */
  async #whileInboundMissing<T>(call: () => Promise<T>): Promise<T> {
    while (true) {
      try {
        const end = await call();
        this.#missingSince = null;
        return end;
      } catch (error) {
        if (!(error instanceof InboundMissingError)) throw error;
        this.#missingSince ??= performance.now();
        if (performance.now() > this.#missingSince + MISSING_INBOUND_WAIT_MS) throw error;
        await sleep(ASK_AGAIN_MS);
      }
    }
  }

  #toInboundUser(user: NodeUser): InboundUser {
    const { kind } = this;
    return { email: userEmail(user.keyId), account: protocolNamed(kind.protocol).accountOf(user, kind) };
  }

  async #stored(): Promise<StoredInbound> {
    const { vault, inboundTag } = this.#options;
    const stored = await tryRead(() => vault.load(this.name));
    const inbound = stored === null || stored === "unreadable" ? null : readStoredInbound(stored);
    // A node's first inbound may have been another one, which is not what is to be made again.
    if (inbound?.definition.tag !== inboundTag) throw new InboundLostError(this.name);
    return inbound;
  }
}

/** Thrown when a node has no inbound of our tag and never had one that we know: its configuration must be fixed. */
export class InboundLostError extends Error {
  override readonly name = "InboundLostError";
  readonly node: string;

  constructor(node: string) {
    super(`node ${node} has no inbound of the configured tag, and none that can be read is stored for it`);
    this.node = node;
  }
}

function isUnmanaged({ email }: InboundUser): boolean {
  return keyIdOfEmail(email) === null;
}

function toActualUser({ email, account }: InboundUser): ActualUser {
  return { email, keyId: keyIdOfEmail(email), account: account.protocol === "other" ? null : account };
}

/** When it throws, the operation ends with its next call, if there is one. */
function isAllowedBy({ beforeCall }: NodeCallOptions): () => boolean {
  return () => {
    try {
      beforeCall?.();
      return true;
    } catch {
      return false;
    }
  };
}

async function unlessInboundMissing<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof InboundMissingError) return null;
    throw error;
  }
}
