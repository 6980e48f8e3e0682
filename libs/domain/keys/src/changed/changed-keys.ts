/** Where whoever writes keys says which, so that whoever keeps them in memory need not read all of them to stay current. */
export interface ChangeNotes {
  /**
   * Says that these keys are being written. Never rejects: what could not be said is said later, and until then a reader that
   * reads everything now and then finds it.
   *
   * @param mayComeLateMs for how long the write may still be applied although nobody waits for it; 0 for one that is
   * acknowledged or fails
   */
  note(keyIds: readonly number[], mayComeLateMs: number): Promise<void>;
}

/** A moment among the changes, of one series of them. */
export interface ChangePosition {
  /** Milliseconds since the epoch, by the clock that all who note share. */
  readonly at: number;
  /** Changes of another series are unknown: some of them were lost. */
  readonly series: string;
}

/** The changes that were noted after a moment. */
export interface NotedChanges {
  /** Up to where it goes; what is noted from now on comes later. */
  readonly position: ChangePosition;
  /** Null when changes may be missing, or there are more than were asked for: everything has to be read then. */
  readonly keyIds: readonly number[] | null;
}

/** The notes as they are read. Both methods throw when the store of the notes is away. */
export interface ChangeReader {
  position(): Promise<ChangePosition>;
  /** @param most how many keys are worth reading one by one */
  since(position: ChangePosition, most: number): Promise<NotedChanges>;
}
