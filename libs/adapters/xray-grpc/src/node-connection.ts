import { status } from "@grpc/grpc-js";
import { create, type DescMessage, type DescMethodUnary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { errorMessage } from "@veil/runtime";
import { type CallFailure, isOfAnother, meaningOf } from "./call-failure.ts";
import { CallSlots } from "./call-slots.ts";
import {
  type UnreachableReason,
  XrayAnswerInvalidError,
  XrayIndeterminateError,
  XrayRejectedError,
  XrayUnreachableError,
} from "./errors.ts";
import { HandlerService } from "./generated/xray/app/proxyman/command_pb.ts";
import { type ChannelSecurity, GrpcTransport, type Transport } from "./grpc-transport.ts";
import { Reachability } from "./reachability.ts";
import { type TlsIdentity, tlsCredentials } from "./tls-identity.ts";

/** How a call ended, for metrics: answered, rejected by Xray, not sent, or sent and not answered. */
export type CallOutcome = "ok" | "rejected" | "unreachable" | "indeterminate";

export interface NodeConnectionOptions {
  readonly name: string;
  /** `host:port` of the gRPC API. */
  readonly address: string;
  /** Calls in flight together; 16 to 64 is where more stops helping. */
  readonly maxInFlight: number;
  /** Called once for every call, with the time it took, waiting for a slot included. It must not throw. */
  readonly onCall?: ((method: string, seconds: number, outcome: CallOutcome) => void) | undefined;
  /**
   * Reads what the connection is secured with, each time one is made, so that renewed files hold from the next one on; without it
   * the node is spoken to in plaintext. While it throws, nothing is sent, and the calls' errors say what it threw.
   */
  readonly identity?: (() => TlsIdentity) | undefined;
  /** Called when `reachable` changes. It must not throw. */
  readonly onReachableChange?: ((reachable: boolean) => void) | undefined;
  readonly probeIntervalMs?: number;
  readonly reconnectAfterMs?: number;
}

const PROBE_RPC = HandlerService.method.listInbounds;
const PROBE_PATH = pathOf(PROBE_RPC);
const PROBE_REQUEST = toBinary(PROBE_RPC.input, create(PROBE_RPC.input, { onlyTags: true }));
const PROBE_TIMEOUT_MS = 1000;
const PROBE_INTERVAL_MS = 1000;
const RECONNECT_AFTER_MS = 10_000;
const CONNECT_WITHIN_MS = 3_000;

/** Typed calls to one node: each with its deadline, a bounded number at a time, none while the node is hung. */
export class NodeConnection {
  readonly name: string;
  readonly #options: NodeConnectionOptions;
  readonly #slots: CallSlots;
  readonly #reachability: Reachability;
  #transport: Transport;
  #closed = false;
  #serverCertificateEnd: number | null = null;
  /** When the node last said anything, by the monotonic clock. */
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(options: NodeConnectionOptions) {
    this.name = options.name;
    this.#options = options;
    this.#slots = new CallSlots(options.maxInFlight);
    this.#transport = this.#connect();
    this.#reachability = new Reachability({
      probe: () => this.#probe(),
      reconnect: () => this.#reconnect(),
      onChange: (reachable) => options.onReachableChange?.(reachable),
      probeIntervalMs: options.probeIntervalMs ?? PROBE_INTERVAL_MS,
      reconnectAfterMs: options.reconnectAfterMs ?? RECONNECT_AFTER_MS,
      connectWithinMs: CONNECT_WITHIN_MS,
    });
  }

  /** Whether the node answered last. False until its first answer. */
  get reachable(): boolean {
    return !this.#closed && this.#reachability.state === "answering";
  }

  /** When the certificate ends that the node showed last. Unix seconds; null while it has shown none. */
  get serverCertificateEnd(): number | null {
    return this.#serverCertificateEnd;
  }

  /** How often the connection was lost: the same number before and after means that the process lived on. */
  get losses(): number {
    return this.#reachability.losses;
  }

  /**
   * Makes one call.
   *
   * @param method the caller's name for it, for errors and metrics.
   * @param decode reads the answer; what it throws makes the answer an invalid one.
   * @throws {XrayUnreachableError} when it was surely not sent.
   * @throws {XrayIndeterminateError} when it was sent and not answered.
   * @throws {XrayRejectedError} when Xray said no.
   * @throws {XrayAnswerInvalidError} when the answer can't be decoded.
   */
  async call<I extends DescMessage, T>(
    method: string,
    rpc: DescMethodUnary<I>,
    request: MessageInitShape<I>,
    timeoutMs: number,
    decode: (message: Uint8Array) => T,
  ): Promise<T> {
    const started = performance.now();
    let outcome: CallOutcome = "unreachable";
    try {
      const deadline = started + timeoutMs;
      // Half of the time is kept for the call itself: running out of it shall say something of the node.
      await this.#acquireSlot(method, deadline - timeoutMs / 2);
      try {
        const bytes = toBinary(rpc.input, create(rpc.input, request));
        const transport = this.#transport;
        const reply = await transport.send(pathOf(rpc), bytes, deadline);
        if ("failure" in reply) {
          outcome = meaningOf(reply.failure);
          if (outcome === "rejected") this.#answeredAt = performance.now();
          else if (isOfAnother(reply.failure)) this.#lookForXray(transport);
          else if (reply.failure.code === status.DEADLINE_EXCEEDED) this.#lookForSilence(transport, timeoutMs);
          throw this.#errorOf(method, outcome, reply.failure);
        }
        outcome = "ok";
        this.#answeredAt = performance.now();
        return this.#decoded(method, decode, reply.message);
      } finally {
        this.#slots.release();
      }
    } finally {
      this.#options.onCall?.(method, (performance.now() - started) / 1000, outcome);
    }
  }

  /** Takes no more calls, sends those that wait for a slot away and lets those under way end. */
  close(): void {
    this.#closed = true;
    this.#reachability.close();
    this.#slots.sendAway();
    this.#transport.close();
  }

  async #acquireSlot(method: string, deadline: number): Promise<void> {
    this.#refuseWhenShut(method);
    const end = await this.#slots.acquire(deadline);
    if (end === "late") throw this.#unreachable(method, "queue", "all slots were taken for half of its time");
    if (end === "sent-away")
      throw this.#unreachable(method, this.#closed ? "closed" : "hung", "sent away while waiting");
    try {
      this.#refuseWhenShut(method);
    } catch (error) {
      this.#slots.release();
      throw error;
    }
  }

  #refuseWhenShut(method: string): void {
    if (this.#closed) throw this.#unreachable(method, "closed", "the connection is closed");
    if (this.#reachability.state === "hung")
      throw this.#unreachable(method, "hung", "the node has not answered since a call ran out of time");
  }

  #errorOf(method: string, outcome: CallOutcome, { code, details }: CallFailure): Error {
    if (outcome === "unreachable") return this.#unreachable(method, "no-connection", details);
    if (outcome === "indeterminate") return new XrayIndeterminateError(this.name, method, code, details);
    return new XrayRejectedError(this.name, method, code, details);
  }

  /**
   * A call ran out of time: in a node that was silent, what waits for a slot would only pile up behind it. One that
   * answered others meanwhile is busy with this one, such as a listing of a hundred thousand users.
   */
  #lookForSilence(transport: Transport, timeoutMs: number): void {
    if (this.#closed || transport !== this.#transport) return;
    if (performance.now() - this.#answeredAt < timeoutMs / 2) return;
    this.#reachability.hung();
    this.#slots.sendAway();
  }

  /** Somebody else answered: what stands between may have led the connection there, and would keep it there for good. */
  #lookForXray(transport: Transport): void {
    if (this.#closed || transport !== this.#transport) return;
    this.#reachability.lost();
  }

  #unreachable(method: string, reason: UnreachableReason, details: string): XrayUnreachableError {
    return new XrayUnreachableError(this.name, method, reason, details);
  }

  #decoded<T>(method: string, decode: (message: Uint8Array) => T, message: Uint8Array): T {
    try {
      return decode(message);
    } catch (error) {
      throw new XrayAnswerInvalidError(this.name, method, String(error));
    }
  }

  async #probe(): Promise<boolean> {
    if (this.#closed) return false;
    const reply = await this.#transport.send(PROBE_PATH, PROBE_REQUEST, performance.now() + PROBE_TIMEOUT_MS, true);
    return "message" in reply || meaningOf(reply.failure) === "rejected";
  }

  #reconnect(): void {
    if (this.#closed) return;
    const givenUp = this.#transport;
    this.#transport = this.#connect();
    givenUp.close();
  }

  #connect(): Transport {
    const { address, identity } = this.#options;
    const onLost = () => {
      // The end of a connection that was given up is no news.
      if (transport !== this.#transport || this.#closed) return;
      // Left to itself a channel connects again with what it was given: files may have been renewed since.
      if (identity !== undefined) this.#reconnect();
      this.#reachability.lost();
    };
    let transport: Transport;
    try {
      transport = new GrpcTransport(address, onLost, identity === undefined ? null : this.#secured(identity()));
    } catch (error) {
      transport = unusable(errorMessage(error));
    }
    return transport;
  }

  #secured(identity: TlsIdentity): ChannelSecurity {
    const onServerCertificate = (end: number) => void (this.#serverCertificateEnd = end);
    return { credentials: tlsCredentials(identity, onServerCertificate), serverName: identity.serverName };
  }
}

/** Where there is no way to a node: every call fails, surely not sent. */
function unusable(details: string): Transport {
  return {
    send: async () => ({ failure: { code: status.UNAVAILABLE, details, sent: false } }),
    close: () => undefined,
  };
}

function pathOf(rpc: DescMethodUnary): string {
  return `/${rpc.parent.typeName}/${rpc.name}`;
}
