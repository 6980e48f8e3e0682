import { createRequire } from "node:module";
import type PinoPretty from "pino-pretty";
import { type DestinationStream, type Logger, pino } from "pino";
import { scrubLogLine } from "./scrub-secrets.ts";
import type { LogLevel } from "./setting-types.ts";

export type { Logger };

export interface LoggerOptions {
  /** Name of the service, on every line. */
  readonly service: string;
  /** Its version, on every line. */
  readonly version: string;
  /** Lines below it are not written. */
  readonly level: LogLevel;
  /** Colored lines for a person instead of JSON. Default: on a terminal, unless `NODE_ENV` is `production`. */
  readonly pretty?: boolean;
  /** Where the lines go. Default: standard output. */
  readonly destination?: DestinationStream;
}

/**
 * The log of a process: one JSON object per line with ISO time, level as text, service, version and pid. Lines are
 * written before the call returns, so none is lost when the process exits. Secrets are taken out of the finished
 * line, wherever they stood: in the message, in an error or its causes, in a child's bindings or deep in a field.
 *
 * A line is a constant message with fields; an error goes into the field `err`. Level `error` is for what somebody
 * must act on now.
 */
export function createLogger({
  service,
  version,
  level,
  pretty = isForAPerson(),
  destination = pino.destination({ fd: STANDARD_OUTPUT, sync: true }),
}: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { service, version, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
      hooks: { streamWrite: scrubLogLine },
    },
    pretty ? prettyStream(destination) : destination,
  );
}

const STANDARD_OUTPUT = 1;

function isForAPerson(): boolean {
  return process.stdout.isTTY && process.env["NODE_ENV"] !== "production";
}

/** Loads pino-pretty only when it is wanted: a service in production never does. */
function prettyStream(destination: DestinationStream): DestinationStream {
  const require = createRequire(import.meta.url);
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- require() knows no types, and import() cannot be waited for here
  const { prettyFactory }: typeof PinoPretty = require("pino-pretty");
  const prettify = prettyFactory({ colorize: true, ignore: "pid,service,version", translateTime: "SYS:HH:MM:ss.l" });
  return { write: (line) => destination.write(prettify(line)) };
}
