import { XrayIndeterminateError } from "./errors.ts";
import { HandlerService } from "./generated/xray/app/proxyman/command_pb.ts";
import { SenderConfigSchema } from "./generated/xray/app/proxyman/proxyman_pb.ts";
import { ConfigSchema as BlackholeConfigSchema } from "./generated/xray/proxy/blackhole_pb.ts";
import type { NodeCalls } from "./node-calls.ts";
import { isRefusal } from "./call-failure.ts";
import { checkTag } from "./request-checks.ts";
import { packTyped, unpackTyped } from "./typed-message.ts";
import type { XrayNode } from "./xray-node.ts";

const { addOutbound, listOutbounds } = HandlerService.method;

const MARK_TAG = "veil-process-mark";

/**
 * The mark of one life of the Xray process: an outbound under a fixed tag that takes no traffic and carries an id. It
 * goes with the process, and nothing that is done to an inbound touches it.
 */
export class ProcessMark {
  readonly #calls: NodeCalls;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
  }

  async read(): Promise<string | null> {
    const { outbounds } = await this.#calls.short("readProcessMark", listOutbounds, {});
    const mark = outbounds.find((outbound) => outbound.tag === MARK_TAG);
    // The id stands where an outbound names the one it dials through: the only free text that Xray lists again.
    return unpackTyped(SenderConfigSchema, mark?.senderSettings)?.proxySettings?.tag ?? null;
  }

  async plant(id: string): Promise<"planted" | "taken"> {
    checkTag(id);
    const outbound = {
      tag: MARK_TAG,
      senderSettings: packTyped(SenderConfigSchema, { proxySettings: { tag: id } }),
      proxySettings: packTyped(BlackholeConfigSchema, {}),
    };
    try {
      await this.#calls.short("plantProcessMark", addOutbound, { outbound });
      return "planted";
    } catch (error) {
      if (isRefusal(error, "outbound-exists")) return "taken";
      throw error;
    }
  }
}

/**
 * Gives a node's process a mark of its own unless it has one. Whether it has it now, a look says: an answer may be lost, and a
 * mark whose planting got no answer may turn up in a later life, so that each try needs a fresh one.
 *
 * @param newMark makes an id that was never used before
 * @throws {XrayError} when the node certainly did not take it
 */
export async function plantProcessMark(node: Pick<XrayNode, "plantProcessMark">, newMark: () => string): Promise<void> {
  try {
    await node.plantProcessMark(newMark());
  } catch (error) {
    if (!(error instanceof XrayIndeterminateError)) throw error;
  }
}
