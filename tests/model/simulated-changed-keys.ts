import type { Redis } from "@veil/redis";

type ChangedState = Pick<SimulatedChangedKeys, "notes" | "series">;

/** The notes in Redis of keys that were written: by key, the moment of the last note. */
export class SimulatedChangedKeys {
  notes = new Map<string, number>();
  series: string | null = null;

  /** As it reaches the disk. */
  copy(): ChangedState {
    return { notes: new Map(this.notes), series: this.series };
  }

  restore({ notes, series }: ChangedState): void {
    this.notes = new Map(notes);
    this.series = series;
  }

  /**
   * The connection that the notes use. The script tells what is done; what it does is done here.
   *
   * @param command carries an effect out as one command
   */
  connection(
    command: <T>(label: string, effect: () => T) => Promise<T>,
    runId: () => string,
    now: () => number,
  ): Redis {
    const commands = {
      info: () => Promise.resolve(`# Server\r\nrun_id:${runId()}\r\n`),
      eval: (script: string, keys: number, ...args: (string | number)[]) => {
        const [first = "", ...others] = args.slice(keys);
        if (!script.includes("ZRANGEBYSCORE")) {
          return command(`notes keys ${others.join(" ")}`, () => {
            for (const key of others.map(String)) {
              this.notes.set(key, Math.max(this.notes.get(key) ?? 0, now() + Number(first)));
            }
            return 1;
          });
        }
        const [, from, most] = others;
        return command("reads which keys were noted", () => {
          this.series ??= String(first);
          const noted = [...this.notes].filter(([, at]) => at >= Number(from)).map(([key]) => key);
          return [now(), this.series, noted.slice(0, Number(most))];
        });
      },
    };
    return commands as unknown as Redis;
  }
}
