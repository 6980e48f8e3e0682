import { connect } from "node:net";

/**
 * Connects to a port of this machine, sends `request` (nothing when absent) and resolves to whether `accepts` is
 * content with what came back. Resolves to false on any failure and after two seconds.
 *
 * @param accepts is asked with everything received so far, at first with nothing, right after the connect.
 */
export function tcpExchange(port: number, accepts: (received: Buffer) => boolean, request?: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    let received = Buffer.alloc(0);
    const finish = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.setTimeout(2_000, () => finish(false));
    socket.on("error", () => finish(false));
    socket.on("close", () => finish(false));
    socket.on("connect", () => {
      if (accepts(received)) return finish(true);
      if (request) socket.write(request);
    });
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (accepts(received)) finish(true);
    });
  });
}

/** Whether something takes connections on a port of this machine. */
export function isListening(port: number): Promise<boolean> {
  return tcpExchange(port, () => true);
}
