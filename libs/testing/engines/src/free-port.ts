import { randomInt } from "node:crypto";
import getPort, { portNumbers } from "get-port";

const LOWEST = 20_000;
const HIGHEST = 29_999;

/**
 * A free port below those that systems give to outgoing connections. There, a client that tries to reach an engine which
 * is being started again can end up with the engine's own port, and even connected to itself.
 *
 * @param highest at least 1,000 above 20,000, for what needs ports above its own as well
 */
export function freePort(highest = HIGHEST): Promise<number> {
  return getPort({ port: portNumbers(randomInt(LOWEST, highest - 1_000), highest) });
}
