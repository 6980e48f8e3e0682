/** The base of every failure to bring the config file up to date. */
export abstract class ConfigFileError extends Error {}

/** Thrown when the config file can't be read. */
export class ConfigReadError extends ConfigFileError {
  override readonly name = "ConfigReadError";

  constructor(cause: unknown) {
    super("Xray's config file can't be read", { cause });
  }
}

/**
 * Thrown when the file's text is not what it must be: no JSON, no such inbound, or one of another protocol. The message
 * quotes nothing of the file but names that we look for.
 */
export class ConfigInvalidError extends ConfigFileError {
  override readonly name = "ConfigInvalidError";
  /** Whether all is well but that the file has no inbound of the protocol under the tag. */
  readonly lacksInbound: boolean;

  constructor(fault: string, { lacksInbound = false } = {}) {
    super(`Xray's config file can't be edited: ${fault}`);
    this.lacksInbound = lacksInbound;
  }
}

/** Thrown when Xray refuses the text that would become the file. The file is as it was. */
export class ConfigRefusedError extends ConfigFileError {
  override readonly name = "ConfigRefusedError";
  /** Exit code of the check, null when it was ended by a signal or could not be started. */
  readonly exitCode: number | null;

  constructor(exitCode: number | null, output: string) {
    super(`Xray refuses the edited config (exit code ${exitCode}): ${output}`);
    this.exitCode = exitCode;
  }
}

/** Thrown when somebody else changed the file while it was edited. The file is as they left it. */
export class ConfigChangedError extends ConfigFileError {
  override readonly name = "ConfigChangedError";

  constructor() {
    super("Xray's config file was changed by somebody else meanwhile");
  }
}

/**
 * Thrown when the new file can't be put in place: the folder can't be written, the owner can't be kept, or the file is
 * a mount of its own and can't be replaced. The file is as it was.
 */
export class ConfigWriteError extends ConfigFileError {
  override readonly name = "ConfigWriteError";

  constructor(cause: unknown) {
    super("Xray's config file can't be replaced", { cause });
  }
}
