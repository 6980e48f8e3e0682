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
