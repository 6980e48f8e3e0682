import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { z } from "zod";

const eventBody = z.object({ id: z.string(), seq: z.number(), type: z.string() });

/** One request that a receiver got. */
export interface Received extends z.infer<typeof eventBody> {
  readonly body: string;
  readonly path: string;
  /** By the monotonic clock, milliseconds. */
  readonly at: number;
}

/** Says what is answered; what it does not answer stays open. */
export type Answer = (received: Received, response: ServerResponse) => void | Promise<void>;

export const take: Answer = (_received, response) => void response.writeHead(204).end();

/** A receiver of webhooks on loopback, which verifies every signature with the reference implementation. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: Received[];
  /** The requests whose signature is wrong. */
  readonly forged: string[];
  /** Those that were answered 2xx. */
  readonly taken: Received[];
  secret: string;
  answer: Answer;
  close(): Promise<void>;
}

/** Starts a receiver at a free port of this machine, to be closed. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has an address of this kind
  const { port } = server.address() as AddressInfo;
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${port}/hook`,
    received: [],
    forged: [],
    taken: [],
    secret: "",
    answer: take,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => "");
    if (body === "") return;
    try {
      const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as const);
      new Webhook(receiver.secret).verify(body, Object.fromEntries(headers));
    } catch {
      receiver.forged.push(body);
    }
    const received = { ...eventBody.parse(JSON.parse(body)), body, path: request.url ?? "", at: performance.now() };
    receiver.received.push(received);
    response.on("finish", () => {
      if (response.statusCode < 300) receiver.taken.push(received);
    });
    await receiver.answer(received, response);
  }
  return receiver;
}
