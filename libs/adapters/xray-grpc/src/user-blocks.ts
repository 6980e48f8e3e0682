import { COALESCE_WAIT_MS } from "@veil/keys";
import { CoalescedCalls } from "@veil/runtime";
import { ConfigSchema } from "./generated/xray/app/router/router_pb.ts";
import { RoutingService } from "./generated/xray/app/router/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";
import { isRefusal } from "./refusal.ts";
import { checkEmail } from "./request-checks.ts";
import { packTyped } from "./typed-message.ts";

const { addRule, listRule, removeRule } = RoutingService.method;

const BLOCK_OUTBOUND = "block";
const RULE_TAG_PREFIX = "veil-block-";
/** No e-mail holds it. */
const SEPARATOR = " ";
const MOST_USERS_OF_A_RULE = 200;
/** Far above what a release takes: a node that hangs for longer is connected to anew. */
const LONGEST_RELEASE_MS = 60_000;

/**
 * Routing rules that lead users into a black hole. Users who are blocked at the same moment share one rule, whose tag names
 * them: so the rules themselves say who is blocked, and many users cost few calls.
 */
export class UserBlocks {
  readonly #calls: NodeCalls;
  readonly #blocking: CoalescedCalls<string, "blocked">;
  readonly #releasing: CoalescedCalls<string, "released">;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
    this.#blocking = new CoalescedCalls(
      async (emails) => {
        await this.#addRule([...new Set(emails)]);
        return emails.map(() => "blocked");
      },
      { largest: MOST_USERS_OF_A_RULE, longestWaitMs: COALESCE_WAIT_MS },
    );
    // Never two at once: each would put the other's users into the rules that take an old rule's place.
    this.#releasing = new CoalescedCalls(
      async (emails) => {
        await this.#release(new Set(emails));
        return emails.map(() => "released");
      },
      { largest: Number.POSITIVE_INFINITY, longestWaitMs: LONGEST_RELEASE_MS },
    );
  }

  async block(emails: readonly string[]): Promise<void> {
    emails.forEach(checkEmail);
    await Promise.all(emails.map((email) => this.#blocking.ask(email)));
  }

  async unblock(emails: readonly string[]): Promise<void> {
    emails.forEach(checkEmail);
    await Promise.all(emails.map((email) => this.#releasing.ask(email)));
  }

  /** A rule that also blocks others gives way to one for them alone, which stands before it goes. */
  async #release(released: ReadonlySet<string>): Promise<void> {
    for (const blocked of await this.#listRules()) {
      const others = blocked.filter((email) => !released.has(email));
      if (others.length === blocked.length) continue;
      if (others.length > 0) await this.#addRule(others);
      await this.#calls.short("unblockUsers", removeRule, { ruleTag: ruleTagOf(blocked) });
    }
  }

  async list(): Promise<string[]> {
    return [...new Set((await this.#listRules()).flat())];
  }

  /** Whom each rule of ours blocks; the oldest rule first. */
  async #listRules(): Promise<string[][]> {
    const { rules } = await this.#calls.short("listBlockedUsers", listRule, {});
    return rules
      .filter(({ ruleTag }) => ruleTag.startsWith(RULE_TAG_PREFIX))
      .map(({ ruleTag }) => ruleTag.slice(RULE_TAG_PREFIX.length).split(SEPARATOR));
  }

  async #addRule(emails: readonly string[]): Promise<void> {
    const rule = [{ tag: BLOCK_OUTBOUND, userEmail: [...emails], ruleTag: ruleTagOf(emails) }];
    try {
      await this.#calls.short("blockUser", addRule, { config: packTyped(ConfigSchema, { rule }), shouldAppend: true });
    } catch (error) {
      if (!isRefusal(error, "rule-exists")) throw error;
    }
  }
}

function ruleTagOf(emails: readonly string[]): string {
  return RULE_TAG_PREFIX + emails.join(SEPARATOR);
}
