/** One variable that is missing or wrong. */
export interface SettingProblem {
  /** Name of the variable; of its `_FILE` form when the file is at fault. */
  readonly name: string;
  /** The fault, without the value of a secret. */
  readonly problem: string;
  /** A right value. */
  readonly example?: string;
}

/** Thrown when the environment does not hold what a program needs; lists every fault at once. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly program: string;
  readonly problems: readonly SettingProblem[];

  constructor(program: string, problems: readonly SettingProblem[]) {
    super(describe(program, problems));
    this.program = program;
    this.problems = problems;
  }
}

function describe(program: string, problems: readonly SettingProblem[]): string {
  const headline = problems.length === 1 ? "a setting is wrong" : `${problems.length} settings are wrong`;
  return [`${program}: ${headline}:`, ...problems.map(describeProblem)].join("\n");
}

function describeProblem({ name, problem, example }: SettingProblem): string {
  const line = `  ${name} ${problem}`;
  return example === undefined ? line : `${line}; example: ${name}=${example}`;
}

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
