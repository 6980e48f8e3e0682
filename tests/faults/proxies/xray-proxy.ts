import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { CallWatch } from "./call-watch.ts";
import { listenLocally, type FaultProxy } from "./listen-locally.ts";

export interface XrayProxyOptions {
  /** `host:port` of the gRPC API. */
  readonly upstream: string;
  readonly watch: CallWatch;
}

/**
 * A proxy for gRPC, which is HTTP/2. Calls are named by their method; `AlterInbound` by its operation: `AddUser`.
 *
 * A call that its caller gave up is delivered all the same, as by a network or a process that was only slow.
 */
export async function startXrayProxy({ upstream, watch }: XrayProxyOptions): Promise<FaultProxy> {
  const sessions = new Set<Http2Session>();
  const remember = (session: Http2Session) => {
    sessions.add(session);
    session.on("error", () => session.destroy());
    session.on("close", () => sessions.delete(session));
  };
  const server = createServer();
  server.on("session", (session) => {
    remember(session);
    const xray = connect(`http://${upstream}`);
    remember(xray);
    xray.on("close", () => session.destroy());
    session.on("close", () => xray.close());
    session.on("stream", (stream, headers) => void passOn(stream, headers, xray, watch));
  });
  return listenLocally(server, sessions);
}

async function passOn(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  xray: ClientHttp2Session,
  watch: CallWatch,
): Promise<void> {
  stream.on("error", () => undefined);
  try {
    const body = await readAll(stream);
    const call = nameOf(headers, body);
    await watch.passing("before", "xray", call);
    const answer = await ask(xray, headers, body);
    await watch.passing("after", "xray", call);
    if (stream.destroyed) return;
    const { trailers } = answer;
    stream.respond(answer.headers, { waitForTrailers: trailers !== null, endStream: trailers === null });
    if (trailers === null) return;
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(answer.body);
  } catch {
    stream.session?.destroy();
  }
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Null when the headers were all that came. */
  readonly trailers: IncomingHttpHeaders | null;
}

async function ask(xray: ClientHttp2Session, headers: IncomingHttpHeaders, body: Buffer): Promise<Answer> {
  const asking = xray.request(withoutConnectionFields(headers), { endStream: false });
  let answered: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | null = null;
  asking.on("response", (received) => {
    answered = received;
  });
  asking.on("trailers", (received) => {
    trailers = received;
  });
  asking.end(body);
  const received = await readAll(asking);
  if (answered[constants.HTTP2_HEADER_STATUS] === undefined) throw new Error("the call was not answered");
  return { headers: answered, body: received, trailers };
}

function withoutConnectionFields(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { "content-length": _, ...others } = headers;
  return others;
}

async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function nameOf(headers: IncomingHttpHeaders, body: Buffer): string {
  const method = String(headers[constants.HTTP2_HEADER_PATH]).split("/").at(-1) ?? "";
  if (method !== "AlterInbound") return method;
  if (body.includes("AddUserOperation")) return "AddUser";
  // Nobody is removed: it asks of which kind the inbound is.
  return body.includes("@nobody") ? "AskKind" : "RemoveUser";
}
