import { SettingsError } from "./settings-error.ts";

/** `EX_CONFIG` of sysexits.h: the configuration is at fault, starting again without changing it is useless. */
export const EXIT_CODE_SETTINGS = 78;

/** The process's ways to say what is wrong and to end. */
export interface SettingsExitPort {
  /** Writes to standard error before it returns. */
  readonly write: (text: string) => void;
  /** Ends the process; does not return. */
  readonly exit: (code: number) => never;
}

const processExit: SettingsExitPort = {
  write: (text) => void process.stderr.write(text),
  exit: (code) => process.exit(code),
};

/**
 * Reads the settings, or prints what is wrong with them to standard error and ends the process with code 78.
 * Errors other than SettingsError are thrown on.
 */
export function exitOnSettingsError<T>(read: () => T, io: SettingsExitPort = processExit): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    io.write(`${error.message}\n`);
    return io.exit(EXIT_CODE_SETTINGS);
  }
}
