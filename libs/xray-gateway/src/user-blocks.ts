import { GatheredCalls } from "@veil/gathered-calls";
import { ConfigSchema } from "./generated/xray/app/router/router_pb.ts";
import { RoutingService } from "./generated/xray/app/router/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";
import { isRefusal } from "./refusal.ts";
import { checkEmail } from "./request-checks.ts";
import { packTyped } from "./typed-message.ts";

const { addRule, listRule, removeRule } = RoutingService.method;

const BLOCK_OUTBOUND = "block";
const RULE_TAG_PREFIX = "veil-block-";
const MOST_RULES_OF_A_CALL = 100;

/** Routing rules that lead single users into a black hole. Those who are blocked at the same moment share a call. */
export class UserBlocks {
  readonly #calls: NodeCalls;
  readonly #blocking: GatheredCalls<string, "blocked">;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
    this.#blocking = new GatheredCalls((emails) => this.#blockAll(emails), { largest: MOST_RULES_OF_A_CALL });
  }

  async block(email: string): Promise<void> {
    checkEmail(email);
    await this.#blocking.ask(email);
  }

  async unblock(email: string): Promise<void> {
    checkEmail(email);
    await this.#calls.short("unblockUser", removeRule, { ruleTag: ruleTagOf(email) });
  }

  async list(): Promise<string[]> {
    const { rules } = await this.#calls.short("listBlockedUsers", listRule, {});
    return rules
      .filter(({ ruleTag }) => ruleTag.startsWith(RULE_TAG_PREFIX))
      .map(({ ruleTag }) => ruleTag.slice(RULE_TAG_PREFIX.length));
  }

  /** Xray stops at the first rule that it has already, so then each is asked for by itself. */
  async #blockAll(emails: readonly string[]): Promise<("blocked" | Error)[]> {
    try {
      await this.#addRules([...new Set(emails)]);
    } catch (error) {
      if (!isRefusal(error, "rule-exists")) throw error;
      if (emails.length > 1) return Promise.all(emails.map((email) => this.#blockOne(email)));
    }
    return emails.map(() => "blocked");
  }

  async #blockOne(email: string): Promise<"blocked" | Error> {
    const [end = "blocked"] = await this.#blockAll([email]).catch((error: Error) => [error]);
    return end;
  }

  async #addRules(emails: readonly string[]): Promise<void> {
    const rule = emails.map((email) => ({ tag: BLOCK_OUTBOUND, userEmail: [email], ruleTag: ruleTagOf(email) }));
    const config = packTyped(ConfigSchema, { rule });
    await this.#calls.short("blockUser", addRule, { config, shouldAppend: true });
  }
}

function ruleTagOf(email: string): string {
  return RULE_TAG_PREFIX + email;
}
