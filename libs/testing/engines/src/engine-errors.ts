/** One of the three programs that the services stand on. */
export type EngineName = "redis" | "mongodb" | "xray";

const ENGINE_TITLES = { redis: "Redis", mongodb: "MongoDB", xray: "Xray" } satisfies Record<EngineName, string>;

/** Thrown when a program that a setting names is missing or is another program. */
export class WrongBinaryError extends Error {
  override readonly name = "WrongBinaryError";
  /** Name of the setting, such as XRAY_BINARY. */
  readonly setting: string;
  readonly path: string;

  /** @param fault what is wrong with it, as the end of the sentence "XRAY_BINARY=/opt/xray …". */
  constructor(setting: string, path: string, fault: string) {
    super(`${setting}=${path} ${fault}`);
    this.setting = setting;
    this.path = path;
  }
}

/** Thrown when one way to an engine does not lead to it; the next way is tried then. */
export class EngineUnavailableError extends Error {
  override readonly name = "EngineUnavailableError";
}

/** An engine that cannot be had here, what was tried, and the command that would install it. */
export interface MissingEngine {
  engine: EngineName;
  tried: readonly string[];
  install: string;
}

/** Thrown when an engine is neither installed nor cached, and can be neither downloaded nor built here. */
export class NoEngineError extends Error {
  override readonly name = "NoEngineError";
  readonly missing: readonly MissingEngine[];

  constructor(missing: readonly MissingEngine[]) {
    const titles = missing.map((one) => ENGINE_TITLES[one.engine]).join(", no ");
    super(
      [
        `There is no ${titles} on this machine, and it could be neither fetched nor built.`,
        ...missing.flatMap((one) => [
          `  ${ENGINE_TITLES[one.engine]}: ${one.install}`,
          ...one.tried.map((attempt) => `    tried: ${attempt}`),
        ]),
        "The other way, which needs Docker alone: docker compose up",
      ].join("\n"),
    );
    this.missing = missing;
  }
}

/** Thrown when an engine's process ends, or does not answer in time, before it is ready. */
export class EngineStartError extends Error {
  override readonly name = "EngineStartError";
  readonly engine: string;
  /** The engine's own last lines. */
  readonly lastLines: readonly string[];
  readonly logFile: string;

  /** @param fault what happened, as the end of the sentence "Redis …". */
  constructor(engine: string, fault: string, lastLines: readonly string[], logFile: string) {
    super([`${engine} ${fault}`, ...lastLines.map((line) => `  | ${line}`), `Its log: ${logFile}`].join("\n"));
    this.engine = engine;
    this.lastLines = lastLines;
    this.logFile = logFile;
  }
}
