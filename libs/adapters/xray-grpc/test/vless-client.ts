import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";

const VERSION = 0;
const NO_ADDONS = 0;
const COMMAND_TCP = 1;
const ADDRESS_IPV4 = 1;
const LOOPBACK = [127, 0, 0, 1];
const ANSWER_HEADER_BYTES = 2;

export interface VlessClientOptions {
  /** The port of a VLESS inbound without TLS on 127.0.0.1. */
  readonly port: number;
  readonly uuid: string;
  /** A port on 127.0.0.1 whose server sends back what it gets. */
  readonly echoPort: number;
  /** The address to come from. Xray doesn't count users from 127.0.0.1 as online. */
  readonly from?: string;
}

/** One connection through Xray to an echo server. */
export class VlessClient {
  readonly #socket: Socket;
  readonly #received: AsyncIterator<Buffer>;
  readonly #header: Buffer;
  #toSkip = 0;

  private constructor(socket: Socket, header: Buffer) {
    this.#socket = socket;
    this.#received = socket.iterator({ destroyOnReturn: false });
    this.#header = header;
  }

  static async dial(options: VlessClientOptions): Promise<VlessClient> {
    const socket = connect({ port: options.port, host: "127.0.0.1", localAddress: options.from ?? "127.0.0.1" });
    await once(socket, "connect");
    return new VlessClient(socket, requestHeader(options));
  }

  /** Opens the way through the inbound with a text; true when it comes back, false when the connection ends instead. */
  async echoes(text: string): Promise<boolean> {
    this.#socket.write(this.#header);
    this.#toSkip = ANSWER_HEADER_BYTES;
    return this.repeats(text);
  }

  /** Sends a further text; true when it comes back, false when the connection ends instead. */
  async repeats(text: string): Promise<boolean> {
    this.#socket.write(text);
    let answer = Buffer.alloc(0);
    while (answer.length < this.#toSkip + text.length) {
      const chunk = await this.#next();
      if (chunk === null) return false;
      answer = Buffer.concat([answer, chunk]);
    }
    const answered = answer.subarray(this.#toSkip).toString();
    this.#toSkip = 0;
    return answered === text;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #next(): Promise<Buffer | null> {
    try {
      const result = await this.#received.next();
      return result.done === true ? null : result.value;
    } catch {
      return null;
    }
  }
}

/** Whether a user gets through the inbound. */
export async function canConnect(options: VlessClientOptions): Promise<boolean> {
  const client = await VlessClient.dial(options);
  const through = await client.echoes("ping");
  client.close();
  return through;
}

/** A server on 127.0.0.1 that sends back what it gets, on any free port when none is given. */
export async function startEchoServer(atPort = 0): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(atPort, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the echo server has no port");
  return { port: address.port, server };
}

function requestHeader({ uuid, echoPort }: VlessClientOptions): Buffer {
  return Buffer.from([
    VERSION,
    ...Buffer.from(uuid.replaceAll("-", ""), "hex"),
    NO_ADDONS,
    COMMAND_TCP,
    echoPort >> 8,
    echoPort & 0xff,
    ADDRESS_IPV4,
    ...LOOPBACK,
  ]);
}
