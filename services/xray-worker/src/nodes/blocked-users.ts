import { isWantedOn, type KeyStore, tryRead } from "@veil/keys";
import { type Clock, type LastingFailure, lastingFailure, type Logger } from "@veil/runtime";
import { XrayError, type XrayNode, XrayRejectedError, XrayUnreachableError } from "@veil/xray-grpc";
import { isSameGroups } from "@veil/nodes";
import { keyIdOfEmail } from "@veil/protocols";
import type { NodeGroups } from "./node-groups.ts";

export interface BlockedUsersOptions {
  readonly node: Pick<XrayNode, "name" | "blockUsers" | "unblockUsers" | "listBlockedUsers" | "readCounter">;
  readonly groups: Pick<NodeGroups, "names">;
  readonly store: Pick<KeyStore, "find">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Xray looks at all of them for every new stream of everybody: 1,000 cost it about 20 µs. */
const MOST_BLOCKED = 1_000;
/** How many are let go together when there are more: each time takes a look at the rules. */
const RELEASED_TOGETHER = 100;
/**
 * Xray closes a stream in which nothing moves (`connIdle`, 300 s by default) and a multiplexed connection that opens none
 * (120 s). After an hour in which not a byte was counted there is no connection left that a rule could concern.
 */
const QUIET_MS = 60 * 60 * 1_000;

interface Block {
  /** Since when, by the monotonic clock, the user's bytes are known to stand still; first, when it was blocked. */
  readonly quietSince: number;
  /** The user's bytes at that time; null before they were looked at. */
  readonly bytes: number | null;
  /** Those of the node when the key was last looked up; null before. In others it may be wanted. */
  readonly groups: readonly string[] | null;
}

/**
 * Users of one node that were removed and whose multiplexed connections must not open further streams.
 *
 * The rules themselves are the record: Xray lists them, the oldest first, so a new process knows them all and only begins
 * their hour anew. They are bounded in number, end when they have nothing to do, and go with the Xray process.
 */
export class BlockedUsers {
  readonly #options: BlockedUsersOptions;
  /** By e-mail; those that are quiet for the longest time first. */
  #blocks = new Map<string, Block>();
  #refused = false;
  readonly #failure: LastingFailure;

  constructor(options: BlockedUsersOptions) {
    const { log, node } = options;
    this.#options = options;
    this.#failure = lastingFailure(log, "could not block removed users", { node: node.name });
  }

  get size(): number {
    return this.#blocks.size;
  }

  /**
   * Best effort: users are removed even if blocking them fails. Never rejects.
   *
   * @param emails the last 1,000 of them are blocked; room is made for them before
   * @param mayChange asked right before the call: those of whom it says no are not blocked
   */
  async block(emails: readonly string[], mayChange?: (email: string) => boolean): Promise<void> {
    const { node, clock } = this.#options;
    const now = clock.monotonic();
    const blocks = new Map(
      emails
        .slice(-MOST_BLOCKED)
        .map((email) => [email, this.#blocks.get(email) ?? { quietSince: now, bytes: null, groups: null }]),
    );
    const remember = () => {
      for (const [email, block] of blocks) this.#blocks.set(email, block);
    };
    // Known before the call, for that may have happened without an answer; and after it, whatever was listed meanwhile.
    remember();
    await this.#tolerant(async () => {
      await this.#releaseSurplus(Math.min(RELEASED_TOGETHER, MOST_BLOCKED - blocks.size));
      try {
        await node.blockUsers([...blocks.keys()], mayChange && { mayChange });
        remember();
      } catch (error) {
        if (error instanceof XrayRejectedError) for (const email of blocks.keys()) this.#blocks.delete(email);
        throw error;
      }
      this.#refused = false;
    });
  }

  /**
   * Lets a user in again, whichever worker blocked it, as far as the node lets us: what stands a little too long ends at the
   * next look. Never rejects.
   *
   * @param mayChange asked right before each call
   */
  async release(email: string, mayChange?: (email: string) => boolean): Promise<void> {
    await this.#tolerant(() => this.#release([email], mayChange));
  }

  /**
   * Takes away the rules that have nothing to do any more, those beyond the bound and those of keys that are wanted
   * here after all.
   *
   * @throws {StoreUnavailableError}
   */
  async tidy(): Promise<void> {
    await this.#tolerant(async () => {
      await this.#learn();
      const idle: string[] = [];
      for (const [email, block] of [...this.#blocks]) {
        if ((await this.#review(email, block)) === "idle") idle.push(email);
      }
      await this.#release(idle);
      await this.#releaseSurplus(RELEASED_TOGETHER);
    });
  }

  /** Takes over what the node lists, other workers' rules included; what was blocked meanwhile comes last. */
  async #learn(): Promise<void> {
    const { node, clock } = this.#options;
    const now = clock.monotonic();
    const listed = new Set(await node.listBlockedUsers());
    for (const [email, { quietSince }] of this.#blocks) {
      if (!listed.has(email) && quietSince < now) this.#blocks.delete(email);
    }
    for (const email of listed) {
      if (!this.#blocks.has(email)) this.#blocks.set(email, { quietSince: now, bytes: null, groups: null });
    }
  }

  /** @returns whether the block has nothing to do any more */
  async #review(email: string, block: Block): Promise<"idle" | "needed"> {
    const { quietSince, bytes } = block;
    const now = this.#options.clock.monotonic();
    const groups = this.#options.groups.names;
    if (block.groups === null || !isSameGroups(block.groups, groups)) {
      if (await this.#isWanted(email)) return "idle";
      this.#blocks.set(email, { ...block, groups });
    }
    if (bytes !== null && now - quietSince < QUIET_MS) return "needed";
    const counted = await this.#bytesOf(email);
    if (counted === bytes) return "idle";
    // Set anew, it is the last one.
    this.#blocks.delete(email);
    this.#blocks.set(email, { quietSince: now, bytes: counted, groups });
    return "needed";
  }

  async #isWanted(email: string): Promise<boolean> {
    const { groups, store, clock } = this.#options;
    const keyId = keyIdOfEmail(email);
    const key = keyId === null ? null : await tryRead(() => store.find(keyId));
    return key !== null && key !== "unreadable" && isWantedOn(key, { groups: groups.names }, clock.now());
  }

  /** Xray counts bytes that it blocks too. A node that counts nothing has users who are always quiet. */
  async #bytesOf(email: string): Promise<number> {
    const directions = ["uplink", "downlink"];
    const values = directions.map((name) => this.#options.node.readCounter(`user>>>${email}>>>traffic>>>${name}`));
    return (await Promise.all(values)).reduce<number>((sum, value) => sum + (value ?? 0), 0);
  }

  /** @param beyond how many more are let go when there are too many, so that not every further one costs a look */
  async #releaseSurplus(beyond: number): Promise<void> {
    if (this.#blocks.size <= MOST_BLOCKED) return;
    await this.#release([...this.#blocks.keys()].slice(0, this.#blocks.size - MOST_BLOCKED + beyond));
  }

  /** Forgotten first, since many may come here at once; should the node not answer, its list brings them back. */
  async #release(emails: readonly string[], mayChange?: (email: string) => boolean): Promise<void> {
    if (emails.length === 0) return;
    for (const email of emails) this.#blocks.delete(email);
    await this.#options.node.unblockUsers(emails, mayChange && { mayChange });
  }

  /** A node that can't block is said once; one that is away is noticed by whoever removes users there. */
  async #tolerant(task: () => Promise<void>): Promise<void> {
    const { log, node } = this.#options;
    try {
      await task();
      this.#failure.onSuccess();
    } catch (err) {
      if (!(err instanceof XrayError)) throw err;
      if (err instanceof XrayUnreachableError) return;
      if (!(err instanceof XrayRejectedError)) {
        this.#failure.onError(err);
        return;
      }
      if (this.#refused) return;
      this.#refused = true;
      log.warn(
        { err, node: node.name },
        "the node can't block removed users, so their multiplexed connections live on: its config must name RoutingService and have routing rules",
      );
    }
  }
}
