import type { Duplex } from "node:stream";

/**
 * Lets everything that is written to a socket in one turn of the event loop go out by one system call.
 *
 * ioredis writes every command by itself; when a hundred jobs end together, that is a hundred calls into the kernel.
 */
export function coalesceWrites(socket: Pick<Duplex, "cork" | "uncork" | "write">): void {
  const write = socket.write.bind(socket);
  let isCorked = false;
  const coalesce = () => {
    if (isCorked) return;
    isCorked = true;
    socket.cork();
    setImmediate(() => {
      isCorked = false;
      socket.uncork();
    });
  };
  const writeCoalesced = (...written: Parameters<typeof write>) => {
    coalesce();
    return write(...written);
  };
  Object.assign(socket, { write: writeCoalesced });
}
