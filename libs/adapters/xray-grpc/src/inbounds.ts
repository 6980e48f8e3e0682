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
    const { inbounds } = await this.#calls.bulk("readInbound", listInbounds, {});
    const inbound = this.#ours(inbounds);
    if (inbound === null) return null;
    const definition = definitionOf(inbound);
    if (definition === null) throw this.#unsupported("readInbound", inbound);
    return definition;
  }

  async describe(): Promise<RunningInbound | null> {
    const { inbounds } = await this.#calls.short("describeInbound", listInbounds, {});
    const inbound = this.#ours(inbounds);
    if (inbound === null) return null;
    const described = describeInbound(inbound);
    if (described === null) throw this.#unsupported("describeInbound", inbound);
    return described;
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
    const { inbounds } = await this.#calls.short(method, listInbounds, {});
    const inbound = this.#ours(inbounds);
    if (inbound === null) return null;
    const codec = codecOfInbound(inbound.proxySettings?.type ?? "");
    if (codec === undefined) throw this.#unsupported(method, inbound);
    return codec.accountType;
  }

  #ours(inbounds: InboundHandlerConfig[]): InboundHandlerConfig | null {
    return inbounds.find((inbound) => inbound.tag === this.#tag) ?? null;
  }

  #unsupported(method: string, inbound: InboundHandlerConfig): InboundUnsupportedError {
    return new InboundUnsupportedError(this.#calls.node, method, inbound.tag, inbound.proxySettings?.type ?? "");
  }
}
