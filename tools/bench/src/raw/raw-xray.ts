import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Client, credentials } from "@grpc/grpc-js";

const HANDLER = "/xray.app.proxyman.command.HandlerService";
const STATS = "/xray.app.stats.command.StatsService";
const RECEIVE_LIMIT = 256 * 1024 * 1024;

/** Xray's gRPC API by itself: messages put together by hand, answers left as bytes. */
export class RawXray {
  readonly #client: Client;

  /** @param address `host:port` */
  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.max_receive_message_length": RECEIVE_LIMIT,
    });
  }

  addUser(tag: string, email: string, uuid: string): Promise<Buffer> {
    const account = typed("xray.proxy.vless.Account", text(1, uuid));
    const user = nested(1, [text(2, email), bytes(3, account)]);
    const operation = typed("xray.app.proxyman.command.AddUserOperation", user);
    return this.#send(`${HANDLER}/AlterInbound`, joined(text(1, tag), bytes(2, operation)));
  }

  removeUser(tag: string, email: string): Promise<Buffer> {
    const operation = typed("xray.app.proxyman.command.RemoveUserOperation", text(1, email));
    return this.#send(`${HANDLER}/AlterInbound`, joined(text(1, tag), bytes(2, operation)));
  }

  getUsers(tag: string): Promise<Buffer> {
    return this.#send(`${HANDLER}/GetInboundUsers`, text(1, tag));
  }

  queryStats(pattern: string): Promise<Buffer> {
    return this.#send(`${STATS}/QueryStats`, text(1, pattern));
  }

  close(): void {
    this.#client.close();
  }

  #send(path: string, message: Uint8Array): Promise<Buffer> {
    const asIs = (value: Buffer) => value;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, asIs, asIs, Buffer.from(message), (error, reply) => {
        if (error !== null || reply === undefined) reject(error ?? new Error("no reply"));
        else resolve(reply);
      });
    });
  }
}

function typed(type: string, value: Uint8Array): Uint8Array {
  return joined(text(1, type), bytes(2, value));
}

function nested(field: number, parts: readonly Uint8Array[]): Uint8Array {
  return bytes(field, joined(...parts));
}

function text(field: number, value: string): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish();
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(value).finish();
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
