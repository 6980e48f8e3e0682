import { randomUUID } from "node:crypto";
import type { RunningInbound } from "@veil/protocols";
import { SharedRun } from "@veil/runtime";
import { isRefusal, refusingProxy } from "./call-failure.ts";
import { codecOfAccount, codecOfInbound } from "./codecs.ts";
import { describeInbound } from "./describe-inbound.ts";
import { embedUsers } from "./embedded-users.ts";
import { InboundExistsError, InboundNotListeningError, InboundUnsupportedError, XrayRejectedError } from "./errors.ts";
import { HandlerService, RemoveUserOperationSchema } from "./generated/xray/app/proxyman/command_pb.ts";
import type { InboundHandlerConfig } from "./generated/xray/core/core_pb.ts";
import { definitionOf, type InboundDefinition } from "./inbound-definition.ts";
import type { InboundUser } from "./inbound-user.ts";
import type { NodeCalls } from "./node-calls.ts";
import { packTyped } from "./typed-message.ts";

const { addInbound, alterInbound, listInbounds, removeInbound } = HandlerService.method;

/**
 * All inbounds of a node. Xray lists them together, each with the users that it was added with: megabytes, which callers who ask
 * at the same moment share. A shorter deadline could run out, which would keep all other calls from the node for a while.
 */
export type InboundListing = SharedRun<readonly InboundHandlerConfig[]>;

export function inboundListing(calls: NodeCalls): InboundListing {
  return new SharedRun(async () => (await calls.bulk("listInbounds", listInbounds, {})).inbounds);
}

/** Behind an id that was never used before: the e-mail of a user who is in no inbound. */
const NOBODY = "@nobody";

/** One inbound of a node as a whole. */
export class Inbounds {
  readonly #calls: NodeCalls;
  readonly #listing: InboundListing;
  readonly #tag: string;

  /** @param listing shared by all inbounds of the node */
  constructor(calls: NodeCalls, listing: InboundListing, tag: string) {
    this.#calls = calls;
    this.#listing = listing;
    this.#tag = tag;
  }

  async listTags(): Promise<string[]> {
    const { inbounds } = await this.#calls.short("listInboundTags", listInbounds, { onlyTags: true });
    return inbounds.map((inbound) => inbound.tag);
  }

  async read(): Promise<InboundDefinition | null> {
    return this.#look("readInbound", definitionOf);
  }

  async describe(): Promise<RunningInbound | null> {
    return this.#look("describeInbound", describeInbound);
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

  /**
   * The kind of account that the inbound takes, `null` when there is no inbound.
   *
   * A call with one user waits for it, so it must cost no more than such a call: a listing names the kind, but brings all users
   * along. To send an account and see whether it is refused is no way. What we have noted of the inbound may be of an earlier life
   * of Xray. The removal of a user who is not there changes nothing, and the refusal
   * begins with the name of the protocol whose code refused. A listing is for a refusal that says something else.
   */
  async accountType(method: string): Promise<string | null> {
    const operation = packTyped(RemoveUserOperationSchema, { email: randomUUID() + NOBODY });
    try {
      await this.#calls.short(method, alterInbound, { tag: this.#tag, operation });
    } catch (error) {
      if (isRefusal(error, "inbound-missing")) return null;
      if (!(error instanceof XrayRejectedError)) throw error;
      const known = codecOfAccount(`xray.proxy.${refusingProxy(error)}.Account`);
      if (known !== undefined) return known.accountType;
    }
    return this.#look(method, ({ proxySettings }) => codecOfInbound(proxySettings?.type ?? "")?.accountType ?? null);
  }

  /** What is read of the inbound, null where there is none. @param read null for an inbound of an unknown kind */
  async #look<T>(method: string, read: (inbound: InboundHandlerConfig) => T | null): Promise<T | null> {
    const inbound = (await this.#listing.run()).find(({ tag }) => tag === this.#tag);
    if (inbound === undefined) return null;
    const found = read(inbound);
    if (found !== null) return found;
    throw new InboundUnsupportedError(this.#calls.node, method, inbound.tag, inbound.proxySettings?.type ?? "");
  }
}
