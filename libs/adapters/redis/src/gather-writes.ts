import type { Duplex } from "node:stream";

/**
 * Lets everything that is written to a socket in one turn of the event loop go out by one system call.
 *
 * ioredis writes every command by itself; when a hundred jobs end together, that is a hundred calls into the kernel.
 */
export function gatherWrites(socket: Pick<Duplex, "cork" | "uncork" | "write">): void {
  const write = socket.write.bind(socket);
  let isGathering = false;
  const gather = () => {
    if (isGathering) return;
    isGathering = true;
    socket.cork();
    setImmediate(() => {
      isGathering = false;
      socket.uncork();
    });
  };
  const writeGathered = (...written: Parameters<typeof write>) => {
    gather();
    return write(...written);
  };
  Object.assign(socket, { write: writeGathered });
}
