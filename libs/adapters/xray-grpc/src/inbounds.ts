import type { RunningInbound } from "@veil/protocols";
import { codecOfInbound } from "./codecs.ts";
import { describeInbound } from "./describe-inbound.ts";
import { embedUsers } from "./embedded-users.ts";
import { InboundExistsError, InboundNotListeningError, InboundUnsupportedError } from "./errors.ts";
import { HandlerService } from "./generated/xray/app/proxyman/command_pb.ts";
import type { InboundHandlerConfig } from "./generated/xray/core/core_pb.ts";
import { definitionOf, type InboundDefinition } from "./inbound-definition.ts";
import type { InboundUser } from "./inbound-user.ts";
import type { NodeCalls } from "./node-calls.ts";
import { isRefusal } from "./call-failure.ts";

const { addInbound, listInbounds, removeInbound } = HandlerService.method;

/** The inbounds of a node as a whole. */
export class Inbounds {
  readonly #calls: NodeCalls;
  readonly #tag: string;

  constructor(calls: NodeCalls, tag: string) {
    this.#calls = calls;
    this.#tag = tag;
  }

  async listTags(): Promise<string[]> {
    const { inbounds } = await this.#calls.short("listInboundTags", listInbounds, { onlyTags: true });
    return inbounds.map((inbound) => inbound.tag);
  }

  async read(): Promise<InboundDefinition | null> {
    // Megabytes when the inbound was added with many users: Xray lists those too.
    return this.#look("readInbound", "bulk", definitionOf);
  }

  async describe(): Promise<RunningInbound | null> {
    // As much as above: a call that ran out of time would keep all others from the node for a while.
    return this.#look("describeInbound", "bulk", describeInbound);
  }

  async remove(): Promise<"removed" | "absent"> {
    try {
      await this.#calls.short("removeInbound", removeInbound, { tag: this.#tag });
      return "removed";
    } catch (error) {
      if (isRefusal(error, "no-clue")) return "absent";
      throw error;
    }
  }

  async add(definition: InboundDefinition, users: readonly InboundUser[]): Promise<InboundUser[]> {
    const { inbound, leftOver } = embedUsers(definition, users);
    try {
      await this.#calls.bulk("addInbound", addInbound, { inbound });
      return leftOver;
    } catch (error) {
      const { tag } = definition;
      if (isRefusal(error, "inbound-exists")) throw new InboundExistsError(this.#calls.node, "addInbound", tag);
      if (isRefusal(error, "inbound-not-listening")) {
        throw new InboundNotListeningError(this.#calls.node, "addInbound", tag, error.details);
      }
      throw error;
    }
  }

  /** The kind of account that the inbound takes, `null` when there is no inbound. */
  async accountType(method: string): Promise<string | null> {
    return this.#look(
      method,
      "short",
      ({ proxySettings }) => codecOfInbound(proxySettings?.type ?? "")?.accountType ?? null,
    );
  }

  /** What is read of the inbound, null where there is none. @param read null for one of an unknown kind */
  async #look<T>(
    method: string,
    size: "short" | "bulk",
    read: (inbound: InboundHandlerConfig) => T | null,
  ): Promise<T | null> {
    const { inbounds } = await this.#calls[size](method, listInbounds, {});
    const inbound = inbounds.find(({ tag }) => tag === this.#tag);
    if (inbound === undefined) return null;
    const found = read(inbound);
    if (found !== null) return found;
    throw new InboundUnsupportedError(this.#calls.node, method, inbound.tag, inbound.proxySettings?.type ?? "");
  }
}
