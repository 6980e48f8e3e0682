import { COALESCE_WAIT_MS } from "@veil/keys";
import { CoalescedCalls } from "@veil/runtime";
import { ConfigSchema } from "./generated/xray/app/router/router_pb.ts";
import { RoutingService } from "./generated/xray/app/router/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";
import { isRefusal } from "./call-failure.ts";
import { checkEmail } from "./request-checks.ts";
import { packTyped } from "./typed-message.ts";

const { addRule, listRule, removeRule } = RoutingService.method;

const BLOCK_OUTBOUND = "block";
const RULE_TAG_PREFIX = "veil-block-";
/** Of the rules for an inbound that is not a node's first: no e-mail begins with what follows. */
const APART_PREFIX = "veil-block@";
/** No e-mail holds it. */
const SEPARATOR = " ";
/** Asked of each user right before each call that changes a rule: those of whom it says no are left as they are. */
export interface BlockOptions {
  readonly mayChange?: (email: string) => boolean;
}

interface Asked {
  readonly email: string;
  readonly mayChange: (email: string) => boolean;
}

const always = (): boolean => true;

const MOST_USERS_OF_A_RULE = 200;
/** Far above what a release takes: a node that hangs for longer is connected to anew. */
const LONGEST_RELEASE_MS = 60_000;

/**
 * Routing rules that lead the users of one inbound into a black hole; they may go on using others. Users who are blocked at the same moment share one rule, whose tag names
 * them: so the rules themselves say who is blocked, and many users cost few calls.
 */
export class UserBlocks {
  readonly #calls: NodeCalls;
  readonly #blocking: CoalescedCalls<Asked, "blocked">;
  readonly #releasing: CoalescedCalls<Asked, "released">;

  readonly #inboundTag: string;
  readonly #prefix: string;

  /** @param prefix of the rules' tags: rules with another one are somebody else's */
  constructor(calls: NodeCalls, inboundTag: string, prefix = RULE_TAG_PREFIX) {
    this.#calls = calls;
    this.#inboundTag = inboundTag;
    this.#prefix = prefix;
    this.#blocking = new CoalescedCalls(
      async (asked) => {
        const emails = allowed(asked);
        if (emails.size > 0) await this.#addRule([...emails]);
        return asked.map(() => "blocked");
      },
      { largest: MOST_USERS_OF_A_RULE, longestWaitMs: COALESCE_WAIT_MS },
    );
    // Never two at once: each would put the other's users into the rules that take an old rule's place.
    this.#releasing = new CoalescedCalls(
      async (asked) => {
        await this.#release(asked);
        return asked.map(() => "released");
      },
      { largest: Number.POSITIVE_INFINITY, longestWaitMs: LONGEST_RELEASE_MS },
    );
  }

  /** Those of an inbound that is not a node's first: they know nothing of that one's. */
  static apart(calls: NodeCalls, inboundTag: string): UserBlocks {
    return new UserBlocks(calls, inboundTag, APART_PREFIX + encodeURIComponent(inboundTag) + SEPARATOR);
  }

  async block(emails: readonly string[], { mayChange = always }: BlockOptions = {}): Promise<void> {
    emails.forEach(checkEmail);
    await Promise.all(emails.map((email) => this.#blocking.ask({ email, mayChange })));
  }

  async unblock(emails: readonly string[], { mayChange = always }: BlockOptions = {}): Promise<void> {
    emails.forEach(checkEmail);
    await Promise.all(emails.map((email) => this.#releasing.ask({ email, mayChange })));
  }

  /** A rule that also blocks others gives way to one for them alone, which stands before it goes. */
  async #release(asked: readonly Asked[]): Promise<void> {
    for (const blocked of await this.#listRules()) {
      const released = allowed(asked);
      const others = blocked.filter((email) => !released.has(email));
      if (others.length === blocked.length) continue;
      if (others.length > 0) await this.#addRule(others);
      const still = allowed(asked);
      if (!blocked.every((email) => still.has(email) || others.includes(email))) continue;
      await this.#calls.short("unblockUsers", removeRule, { ruleTag: this.#ruleTagOf(blocked) });
    }
  }

  async list(): Promise<string[]> {
    return [...new Set((await this.#listRules()).flat())];
  }

  /** Whom each rule of ours blocks; the oldest rule first. */
  async #listRules(): Promise<string[][]> {
    const { rules } = await this.#calls.short("listBlockedUsers", listRule, {});
    return rules
      .filter(({ ruleTag }) => ruleTag.startsWith(this.#prefix))
      .map(({ ruleTag }) => ruleTag.slice(this.#prefix.length).split(SEPARATOR));
  }

  async #addRule(emails: readonly string[]): Promise<void> {
    const ruleTag = this.#ruleTagOf(emails);
    const rule = [{ tag: BLOCK_OUTBOUND, userEmail: [...emails], inboundTag: [this.#inboundTag], ruleTag }];
    try {
      await this.#calls.short("blockUser", addRule, { config: packTyped(ConfigSchema, { rule }), shouldAppend: true });
    } catch (error) {
      if (!isRefusal(error, "rule-exists")) throw error;
    }
  }

  #ruleTagOf(emails: readonly string[]): string {
    return this.#prefix + emails.join(SEPARATOR);
  }
}

function allowed(asked: readonly Asked[]): ReadonlySet<string> {
  return new Set(asked.flatMap(({ email, mayChange }) => (mayChange(email) ? email : [])));
}
