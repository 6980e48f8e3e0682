import type { RunningInbound } from "@veil/protocols";
import { Counters } from "./counters.ts";
import type { Counter } from "./decode-counters.ts";
import type { XrayAnswerInvalidError } from "./errors.ts";
import type { InboundDefinition } from "./inbound-definition.ts";
import type { InboundUser } from "./inbound-user.ts";
import { type ChangeOptions, InboundUsers } from "./inbound-users.ts";
import { type InboundListing, inboundListing, Inbounds } from "./inbounds.ts";
import { NodeCalls } from "./node-calls.ts";
import { NodeConnection, type NodeConnectionOptions } from "./node-connection.ts";
import { ProcessMark } from "./process-mark.ts";
import { checkTag } from "./request-checks.ts";
import { type BlockOptions, UserBlocks } from "./user-blocks.ts";

export interface XrayNodeOptions {
  /** The node's name in errors. */
  readonly name: string;
  /**
   * `host:port` of its gRPC API. A caller who reaches it owns the process: keep it on loopback, in a tunnel or behind
   * TLS.
   */
  readonly address: string;
  /** The inbound that all methods about users and the inbound mean. */
  readonly inboundTag: string;
  /** The deadline of a call that concerns one user or one number. Default 3000. */
  readonly callTimeoutMs?: number;
  /** The deadline of a call that carries all users or all counters. Default 15,000. */
  readonly bulkTimeoutMs?: number;
  readonly identity?: NodeConnectionOptions["identity"];
  readonly onCall?: NodeConnectionOptions["onCall"];
  readonly onReachableChange?: NodeConnectionOptions["onReachableChange"];
  /** Called for every counter that makes no sense and is left out of what is read. */
  readonly onInvalidCounter?: (error: XrayAnswerInvalidError) => void;
}

const MAX_IN_FLIGHT = 64;

const DEFAULTS = { callTimeoutMs: 3000, bulkTimeoutMs: 15_000 } as const satisfies Partial<XrayNodeOptions>;

/**
 * One Xray process, over gRPC.
 *
 * Every method throws `XrayUnreachableError` when the call was surely not sent, `XrayIndeterminateError` when it was
 * sent and not answered, `XrayRejectedError` when Xray refuses it for a reason without a class of its own,
 * `XrayAnswerInvalidError` when the answer makes no sense and `InvalidXrayRequestError` when it would be malformed.
 *
 * At most 64 calls are in flight together; a further one waits for at most half of its deadline, so callers bound their
 * own fan-out. After a call that ran out of time the node counts as hung: calls fail at once until it answers again.
 *
 * Calls in flight together are not applied in order, and an add that overlaps a remove of the same e-mail can leave a
 * user that works, is listed nowhere and can't be removed. One operation at a time per e-mail is the caller's duty.
 */
export interface XrayNode {
  readonly name: string;
  /** Whether the node answered last. False until its first answer; it is asked once a second until it answers. */
  readonly reachable: boolean;
  /** When the certificate ends that it showed last. Unix seconds; null while it has shown none, as over plaintext. */
  readonly serverCertificateEnd: number | null;

  /**
   * Adds a user to the inbound; it can connect when this resolves. `exists` when the same account stands there already.
   *
   * @throws {AccountMismatchError} when another account stands under that e-mail.
   * @throws {InboundMissingError} when there is no such inbound.
   * @throws {InboundUnsupportedError} when the inbound is of another kind than the account.
   */
  addUser(user: InboundUser, options?: ChangeOptions): Promise<"added" | "exists">;

  /**
   * Removes a user. New connections are refused from then on; those that stand live on (see `blockUsers`).
   *
   * @throws {InboundMissingError} when there is no such inbound, which says nothing of the user.
   */
  removeUser(email: string, options?: ChangeOptions): Promise<"removed" | "absent">;

  /** @throws {InboundMissingError} when there is no such inbound. */
  getUser(email: string): Promise<InboundUser | null>;

  /**
   * All users, in no order, other people's included. Takes about 100 bytes of reply for each.
   *
   * @throws {InboundMissingError} when there is no such inbound.
   */
  listUsers(): Promise<InboundUser[]>;

  /** @throws {InboundMissingError} when there is no such inbound. */
  countUsers(): Promise<number>;

  listInboundTags(): Promise<string[]>;

  /**
   * How clients get into the inbound, null when there is none.
   *
   * @throws {InboundUnsupportedError} when it is of a kind whose users we don't know.
   */
  describeInbound(): Promise<RunningInbound | null>;

  /**
   * The inbound without its users, enough for `addInbound` to make it again, `null` when it is missing. A secret.
   *
   * @throws {InboundUnsupportedError} when the inbound is of an unknown kind.
   */
  readInbound(): Promise<InboundDefinition | null>;

  /**
   * Removes the inbound with all its users. Its connections live on and its counters go on. Keep its definition in a
   * durable place first: nobody else has it.
   */
  removeInbound(): Promise<"removed" | "absent">;

  /**
   * Adds an inbound with users in it, in one message of at most 4 MiB: more than 50,000 users of ours. Returns those
   * who didn't go in, for want of room or because another one has their e-mail; `addUser` is the way for them.
   *
   * @throws {InboundExistsError} when the tag is taken.
   * @throws {InboundNotListeningError} when it can't listen. Its tag is taken all the same.
   */
  addInbound(definition: InboundDefinition, users: readonly InboundUser[]): Promise<InboundUser[]>;

  /** The id planted in this life of the process, `null` when there is none. */
  readProcessMark(): Promise<string | null>;

  /**
   * Plants an id that lives as long as the process does. Of several at once exactly one is planted. An id whose planting
   * got no answer must not be used again: it may be planted in a life that is over.
   */
  plantProcessMark(id: string): Promise<"planted" | "taken">;

  /** Whole seconds since the API of the process started. */
  uptimeSeconds(): Promise<number>;

  /** All counters whose name contains `pattern`, case-sensitive; `""` means all. One that makes no sense is left out. */
  queryCounters(pattern: string): Promise<Counter[]>;

  /** The value of one counter, `null` when it doesn't exist: before its user's first connection, for example; and when it makes no sense. */
  readCounter(name: string): Promise<number | null>;

  /** E-mails with open connections. Connections from the node's own loopback don't count. */
  onlineUsers(): Promise<string[]>;

  /**
   * The addresses from which a user has open connections; those from the node's own loopback don't count. `null` when the
   * node has no list for the user: before the first connection, or with a policy without `statsUserOnline`.
   */
  onlineAddresses(email: string): Promise<string[] | null>;

  /**
   * Leads every new stream of users into the outbound `block`, for users that were removed and whose multiplexed
   * connections live on. Twice is the same as once. The rule stays until `unblockUsers` or the end of the process, and
   * every rule is looked at for every connection of everybody. It comes last, so a rule of the config that matches the
   * user's traffic wins over it. Streams that stand live on.
   *
   * The config must have a `routing` block and name the RoutingService, or Xray refuses.
   */
  blockUsers(emails: readonly string[], options?: BlockOptions): Promise<void>;

  /** Lets users through again. Nothing happens to those who were not blocked. */
  unblockUsers(emails: readonly string[], options?: BlockOptions): Promise<void>;

  /** E-mails of the users whom `blockUsers` blocked in this life of the process, whoever called it; the oldest first. */
  listBlockedUsers(): Promise<string[]>;

  /** Ends the probing and takes no more calls; those under way come to their end. */
  close(): void;
}

/** A node with all its inbounds. */
export interface ConnectedXray extends XrayNode {
  /**
   * The same process by another of its inbounds, over the same connection: what is of the process is the same, and closing it
   * closes both.
   *
   * @param name its `name`
   * @throws {InvalidXrayRequestError} when the tag is blank.
   */
  at(inboundTag: string, name: string): XrayNode;
}

/**
 * A node at an address. Returns at once and connects in the background; calls made before wait for the connection.
 *
 * @throws {InvalidXrayRequestError} when the inbound tag is blank.
 */
export function connectXrayNode(options: XrayNodeOptions): ConnectedXray {
  const { name, inboundTag, callTimeoutMs, bulkTimeoutMs, onInvalidCounter, ...connected } = {
    ...DEFAULTS,
    ...options,
  };
  checkTag(inboundTag);
  const connection = new NodeConnection({ name, maxInFlight: MAX_IN_FLIGHT, ...connected });
  const calls = new NodeCalls(connection, callTimeoutMs, bulkTimeoutMs);
  const process = {
    connection,
    calls,
    listing: inboundListing(calls),
    mark: new ProcessMark(calls),
    counters: new Counters(calls, onInvalidCounter ?? (() => undefined)),
  };
  const own = nodeAt(process, name, inboundTag, new UserBlocks(calls, inboundTag));
  return withOtherInbounds(own, (tag, as) => {
    checkTag(tag);
    return nodeAt(process, as, tag, UserBlocks.apart(calls, tag));
  });
}

interface XrayProcess {
  readonly connection: NodeConnection;
  readonly calls: NodeCalls;
  readonly listing: InboundListing;
  readonly mark: ProcessMark;
  readonly counters: Counters;
}

function nodeAt(
  { connection, calls, listing, mark, counters }: XrayProcess,
  name: string,
  inboundTag: string,
  blocks: UserBlocks,
): XrayNode {
  const inbounds = new Inbounds(calls, listing, inboundTag);
  const users = new InboundUsers(calls, inbounds, inboundTag);
  return {
    name,
    get reachable() {
      return connection.reachable;
    },
    get serverCertificateEnd() {
      return connection.serverCertificateEnd;
    },
    addUser: (user, change) => users.add(user, change),
    removeUser: (email, change) => users.remove(email, change),
    getUser: (email) => users.get(email),
    listUsers: () => users.list(),
    countUsers: () => users.count(),
    listInboundTags: () => inbounds.listTags(),
    describeInbound: () => inbounds.describe(),
    readInbound: () => inbounds.read(),
    removeInbound: () => inbounds.remove(),
    addInbound: (definition, all) => inbounds.add(definition, all),
    readProcessMark: () => mark.read(),
    plantProcessMark: (id) => mark.plant(id),
    uptimeSeconds: () => counters.uptimeSeconds(),
    queryCounters: (pattern) => counters.query(pattern),
    readCounter: (counter) => counters.read(counter),
    onlineUsers: () => counters.onlineUsers(),
    onlineAddresses: (email) => counters.onlineAddresses(email),
    blockUsers: (emails, change) => blocks.block(emails, change),
    unblockUsers: (emails, change) => blocks.unblock(emails, change),
    listBlockedUsers: () => blocks.list(),
    close: () => connection.close(),
  };
}

/** Adds to the object itself, whose getters must not be copied. */
function withOtherInbounds(node: XrayNode, at: ConnectedXray["at"]): ConnectedXray {
  return Object.assign(node, { at });
}
