import { type ChannelCredentials, Client, connectivityState, credentials, Metadata, status } from "@grpc/grpc-js";
import type { CallFailure } from "./call-failure.ts";

export type Reply = { readonly message: Uint8Array } | { readonly failure: CallFailure };

const MEBIBYTE = 1024 * 1024;

const CHANNEL_OPTIONS = {
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  // A node that is back shall not wait for us: its keys are to work again within two seconds.
  "grpc.max_reconnect_backoff_ms": 250,
  // A container that comes back may have another address, and the default keeps the old one for 30 s.
  "grpc.dns_min_time_between_resolutions_ms": 1000,
  "grpc.max_receive_message_length": 256 * MEBIBYTE,
  // A connection must be this channel's own, so that closing the channel gives the connection up.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_channelz": 0,
  // The API has no authentication of its own: it must never be spoken to through a proxy from the environment.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  // Going idle would look like a lost connection.
  "grpc.client_idle_timeout_ms": 2 ** 31 - 1,
} as const;

const asBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const asIs = (bytes: Buffer) => bytes;

/** A way to one node, in bytes. */
export interface Transport {
  /** See {@link GrpcTransport.send}. */
  send(path: string, request: Uint8Array, deadline: number, patient?: boolean): Promise<Reply>;
  close(): void;
}

/** How the other end is recognized. */
export interface ChannelSecurity {
  readonly credentials: ChannelCredentials;
  /** The name that its certificate has to have; null for the host of the address. */
  readonly serverName: string | null;
}

/** One gRPC channel to one address, in bytes. It connects by itself with the first call. */
export class GrpcTransport implements Transport {
  readonly #client: Client;

  /**
   * @param onLost is called every time a connection that stood is gone.
   * @param security null for plaintext: whoever can reach the address is trusted.
   */
  constructor(address: string, onLost: () => void, security: ChannelSecurity | null = null) {
    this.#client = new Client(address, security?.credentials ?? credentials.createInsecure(), {
      ...CHANNEL_OPTIONS,
      ...(security !== null &&
        security.serverName !== null && { "grpc.ssl_target_name_override": security.serverName }),
    });
    this.#watch(onLost);
  }

  /**
   * Makes a call. Never rejects: a failure is a reply too.
   *
   * @param deadline in milliseconds of the monotonic clock, `performance.now()`.
   * @param patient whether to wait for a connection until the deadline instead of failing when there is none.
   */
  send(path: string, request: Uint8Array, deadline: number, patient = false): Promise<Reply> {
    const metadata = new Metadata({ waitForReady: patient });
    return new Promise((resolve) => {
      const call = withoutStack(() =>
        this.#client.makeUnaryRequest(
          path,
          asBuffer,
          asIs,
          request,
          metadata,
          // gRPC wants a date, and looks at the clock once: what is set afterwards moves nothing.
          { deadline: Date.now() + deadline - performance.now() },
          (error, message) => {
            if (error === null && message !== undefined) {
              resolve({ message });
              return;
            }
            // The call names the channel's target as its peer until it is handed to a connection.
            const sent = call.getPeer() !== this.#client.getChannel().getTarget();
            const { code = status.INTERNAL, details = "no message" } = error ?? {};
            resolve({ failure: { code, details, sent } });
          },
        ),
      );
    });
  }

  /** Lets the calls that are under way come to their end and takes no others. */
  close(): void {
    this.#client.close();
  }

  #watch(onLost: () => void): void {
    const channel = this.#client.getChannel();
    const before = channel.getConnectivityState(false);
    if (before === connectivityState.SHUTDOWN) return;
    channel.watchConnectivityState(before, Number.POSITIVE_INFINITY, () => {
      if (before === connectivityState.READY) onLost();
      this.#watch(onLost);
    });
  }
}

/** gRPC notes the stack of every call, a quarter of what the call costs, for an error of which we keep the code and the text. */
function withoutStack<T>(begin: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return begin();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
