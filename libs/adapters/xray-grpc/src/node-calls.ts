import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { TimeLimitError, withinTime } from "@veil/runtime";
import { XrayUnreachableError } from "./errors.ts";
import type { NodeConnection } from "./node-connection.ts";

/** A connection with the two deadlines that calls have: for those that carry one user, and for those that carry all. */
export class NodeCalls {
  readonly #connection: NodeConnection;
  readonly #shortMs: number;
  readonly #bulkMs: number;

  constructor(connection: NodeConnection, shortMs: number, bulkMs: number) {
    this.#connection = connection;
    this.#shortMs = shortMs;
    this.#bulkMs = bulkMs;
  }

  get node(): string {
    return this.#connection.name;
  }

  /** See `NodeConnection.losses`. */
  get losses(): number {
    return this.#connection.losses;
  }

  short<I extends DescMessage, O extends DescMessage>(
    method: string,
    rpc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.#connection.call(method, rpc, request, this.#shortMs, (message) => fromBinary(rpc.output, message));
  }

  bulk<I extends DescMessage, O extends DescMessage>(
    method: string,
    rpc: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.bulkAs(method, rpc, request, (message) => fromBinary(rpc.output, message));
  }

  /** For an answer so large that it has a decoder of its own. */
  bulkAs<I extends DescMessage, T>(
    method: string,
    rpc: DescMethodUnary<I>,
    request: MessageInitShape<I>,
    decode: (message: Uint8Array) => T,
  ): Promise<T> {
    return this.#connection.call(method, rpc, request, this.#bulkMs, decode);
  }

  /**
   * Waits for what several calls need for as long as one of them may take. It goes on after that.
   *
   * @throws {XrayUnreachableError} after that, and what it throws itself.
   */
  async waitFor<T>(method: string, shared: Promise<T>): Promise<T> {
    try {
      return await withinTime(shared, this.#shortMs);
    } catch (error) {
      if (!(error instanceof TimeLimitError)) throw error;
      throw new XrayUnreachableError(this.node, method, "hung", "what it needs is still being asked for");
    }
  }
}
