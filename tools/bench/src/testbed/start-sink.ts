import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A TCP server that takes everything, answers nothing and closes when its client has said all. */
export interface Sink {
  readonly port: number;
  close(): Promise<void>;
}

export async function startSink(): Promise<Sink> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.resume();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: portOf(server.address()),
    close: async () => {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the sink listens on no port");
  return address.port;
}
