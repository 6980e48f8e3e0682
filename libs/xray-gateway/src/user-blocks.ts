import { ConfigSchema } from "./generated/xray/app/router/router_pb.ts";
import { RoutingService } from "./generated/xray/app/router/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";
import { isRefusal } from "./refusal.ts";
import { checkEmail } from "./request-checks.ts";
import { packTyped } from "./typed-message.ts";

const { addRule, removeRule } = RoutingService.method;

const BLOCK_OUTBOUND = "block";

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
}

function ruleTagOf(email: string): string {
  return `veil-block-${email}`;
}
