import { randomInt } from "node:crypto";
import { connect } from "node:net";
import getPort, { portNumbers } from "get-port";

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

const LOWEST = 20_000;
const HIGHEST = 29_999;
const kept = new Set<number>();

/** Has {@link freePort} leave out ports that something is going to listen on later. */
export function keepPorts(ports: readonly number[]): void {
  for (const port of ports) kept.add(port);
}

/**
 * A free port below those that systems give to outgoing connections. There, a client that tries to reach an engine which
 * is being started again can end up with the engine's own port, and even connected to itself.
 *
 * No port is given twice in the life of a process: an engine that is away for a while has its own again when it is back.
 *
 * @param highest at least 1,000 above 20,000, for what needs ports above its own as well
 */
export function freePort(highest = HIGHEST): Promise<number> {
  return getPort({ port: portNumbers(randomInt(LOWEST, highest - 1_000), highest), exclude: kept, reserve: true });
}
