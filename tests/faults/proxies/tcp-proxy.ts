import { connect, createServer, type Socket } from "node:net";
import type { CallWatch, Engine } from "./call-watch.ts";
import { endTogether, listenLocally, type FaultProxy } from "./listen-locally.ts";

/** One message of a protocol. Requests and replies of one `pair` belong together. */
export interface Frame {
  readonly bytes: Buffer;
  readonly pair: number;
  /** The name of the call; null for one that is not worth a name. */
  readonly call: string | null;
}

/** Cuts a stream into its messages; keeps what is not whole yet. */
export type Splitter = (chunk: Buffer) => Frame[];

export interface TcpProxyOptions {
  readonly engine: Exclude<Engine, "xray">;
  readonly upstreamPort: number;
  readonly watch: CallWatch;
  /** One for each connection. */
  readonly requests: () => Splitter;
  readonly replies: () => Splitter;
}

export async function startTcpProxy(options: TcpProxyOptions): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host: "127.0.0.1", port: options.upstreamPort });
    endTogether(client, upstream, sockets);
    const names = new Map<number, string>();
    void carry(client, upstream, options.requests(), async ({ pair, call }) => {
      if (call === null) return;
      names.set(pair, call);
      await options.watch.passing("before", options.engine, call);
    });
    void carry(upstream, client, options.replies(), async ({ pair }) => {
      const call = names.get(pair);
      if (call === undefined) return;
      names.delete(pair);
      await options.watch.passing("after", options.engine, call);
    });
  });
  return listenLocally(server, sockets);
}

async function carry(
  from: Socket,
  to: Socket,
  split: Splitter,
  onFrame: (frame: Frame) => Promise<void>,
): Promise<void> {
  try {
    for await (const chunk of from) {
      if (!Buffer.isBuffer(chunk)) continue;
      for (const frame of split(chunk)) {
        await onFrame(frame);
        if (!to.destroyed) to.write(frame.bytes);
      }
    }
  } catch {
    from.destroy();
  }
}
