import { ConfigSchema } from "./generated/xray/app/router/router_pb.ts";
import { RoutingService } from "./generated/xray/app/router/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";
import { isRefusal } from "./refusal.ts";
import { checkEmail } from "./request-checks.ts";
import { packTyped } from "./typed-message.ts";

const { addRule, listRule, removeRule } = RoutingService.method;

const BLOCK_OUTBOUND = "block";
const RULE_TAG_PREFIX = "veil-block-";

/** Routing rules that lead single users into a black hole. */
export class UserBlocks {
  readonly #calls: NodeCalls;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
  }

  async block(email: string): Promise<void> {
    checkEmail(email);
    const ruleTag = ruleTagOf(email);
    const config = packTyped(ConfigSchema, { rule: [{ tag: BLOCK_OUTBOUND, userEmail: [email], ruleTag }] });
    try {
      await this.#calls.short("blockUser", addRule, { config, shouldAppend: true });
    } catch (error) {
      if (!isRefusal(error, "rule-exists")) throw error;
    }
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
}

function ruleTagOf(email: string): string {
  return RULE_TAG_PREFIX + email;
}
