import { isServedBy, nextPassIn, type PassRecord } from "./pass-record.ts";

/** The findings of a health probe at a node. */
export interface HealthProbe {
  readonly users: number;
  /** Seconds since the Xray process started; whole seconds. */
  readonly uptime: number;
}

/** Why a pass is due. */
export type PassReason = "start" | "period" | "restart" | "emptied" | "back" | "regrouped";

/** An incident at a node, which a pass must have begun after. Times by the monotonic clock of this process. */
interface Incident {
  readonly at: number;
  /** How many users the node had before it lost them; null when it lost none. */
  readonly lost: number | null;
  /** Whether it lost some then, which also stands while a pass of this process is at it. */
  readonly isLoss: boolean;
  /** Whether it is to hold other users than before: that it loses some is then no wonder. */
  readonly isMove: boolean;
}

/** How the uptime, which is in whole seconds, may mislead. */
const UPTIME_SLACK_MS = 2_000;

/**
 * Decides from one health probe to the next whether a node must be reconciled now rather than at the next period, and
 * whether a pass of another process has done it.
 *
 * Level-based: nothing is remembered but what the last health probe saw and the last pass left, and a missed event is repaired by
 * the period.
 */
export class NodeWatch {
  readonly #periodMs: number;
  #last: HealthProbe | null = null;
  #away = false;
  #isRegrouped = false;
  /** When the next pass is due by the period; null before this process knows of any. */
  #dueAt: number | null = null;
  #incident: Incident | null = null;
  /** Whether the last pass left the node with its users. */
  #isServed = false;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /**
   * Whether the node has its users, as far as its health probes show: false once it lost some, until they are back; null where
   * only a pass can tell, at the start and of a node that was away, and where the last one left it without most of them.
   */
  get holdsUsers(): boolean | null {
    if (this.#incident?.isLoss === true) return false;
    return this.#dueAt === null || this.#incident !== null || !this.#isServed ? null : true;
  }

  /** Whether nothing has happened to the node that only a pass can put right. */
  get isCalm(): boolean {
    return this.#dueAt !== null && this.#incident === null;
  }

  /**
   * How many users a node held when they were last counted, or a pass was over, if there is no sign that it holds fewer now: it
   * answers, it is the same process, and nothing has happened to it. Null when they have to be counted.
   *
   * @param uptime as it is now, of {@link HealthProbe}
   */
  usersAsBefore(uptime: number): number | null {
    const hasNews = !this.isCalm || this.#away || this.#isRegrouped;
    return hasNews || this.#last === null || uptime < this.#last.uptime ? null : this.#last.users;
  }

  /** The node did not answer. */
  lost(): void {
    this.#away = true;
  }

  /** The node is in other groups now, so that other users are to be there. Also while a pass is under way, which did not know. */
  regrouped(): void {
    this.#isRegrouped = true;
  }

  /** The node answered; the reason why a pass is due, null when none is. `now` by the monotonic clock. */
  seen(probe: HealthProbe, now: number): PassReason | null {
    const last = this.#last;
    const [wasAway, isRegrouped] = [this.#away, this.#isRegrouped];
    this.#last = probe;
    this.#away = false;
    this.#isRegrouped = false;
    if (this.#dueAt === null) return "start";
    const lost = last !== null && probe.users < last.users ? last.users : null;
    // The new process is older than it says: whatever began later saw it.
    if (last !== null && probe.uptime < last.uptime) return this.#happened("restart", now - probe.uptime * 1_000, lost);
    const isMove = isRegrouped || this.#incident?.isMove === true;
    const isHalved = last !== null && last.users > 0 && probe.users * 2 <= last.users;
    if (isHalved && !isMove) return this.#happened("emptied", now, lost);
    if (isRegrouped) return this.#happened("regrouped", now, null, true);
    if (wasAway) return this.#happened("back", now, null);
    const lostBefore = this.#incident?.lost ?? Number.POSITIVE_INFINITY;
    if (probe.users >= lostBefore) this.#mendedByAnother(now);
    return this.#incident !== null || now >= this.#dueAt ? "period" : null;
  }

  /** A pass of this process has begun: from now on its end alone counts. */
  began(): void {
    if (this.#incident !== null) this.#incident = { ...this.#incident, lost: null };
  }

  /**
   * Whether the last good pass, whoever made it, leaves nothing to do now.
   *
   * @param now before the shared clock was asked, by the monotonic clock @param sharedNow what it said
   */
  isDoneBy(pass: PassRecord, now: number, sharedNow: number): boolean {
    if (sharedNow < pass.begunAt) return false;
    // A pass that only counted can't have seen the incident.
    const age = sharedNow - pass.listedAt;
    if (this.#incident !== null && age > now - this.#incident.at) return false;
    // Only the node's own state tells of incidents before this process came.
    if (this.#dueAt === null && !this.#looksAsLeftBy(pass, age)) return false;
    return nextPassIn(pass, sharedNow, this.#periodMs) > 0;
  }

  /**
   * A pass, of this process or another one, is what the next one is counted from. The health probe that called for it may
   * have seen none of its users: a node that loses them again at once must be found out, too.
   */
  passed(pass: PassRecord, now: number, sharedNow: number): void {
    const isMove = this.#incident?.isMove === true;
    this.#incident = null;
    this.#isServed = isServedBy(pass);
    this.#dueAt = now + nextPassIn(pass, sharedNow, this.#periodMs);
    if (this.#last === null) return;
    // Those that it could not put there are not lost when they are not there.
    const held = pass.users - pass.postponed;
    const users = isMove ? held : Math.max(this.#last.users, held);
    this.#last = { ...this.#last, users };
  }

  #looksAsLeftBy({ users }: PassRecord, age: number): boolean {
    if (this.#last === null || users === 0) return false;
    return this.#last.uptime * 1_000 > age + UPTIME_SLACK_MS && this.#last.users * 2 > users;
  }

  /** Until a pass ends well the reason stands, also when this one fails. */
  #happened(reason: PassReason, at: number, lost: number | null, isMove = false): PassReason {
    const { isLoss = false, isMove: wasMove = false } = this.#incident ?? {};
    this.#incident = { at, lost, isLoss: lost !== null || isLoss, isMove: isMove || wasMove };
    return reason;
  }

  /** The users are there again before this process came to it: a second pass would only read everything once more. */
  #mendedByAnother(now: number): void {
    this.#incident = null;
    this.#isServed = true;
    this.#dueAt = now + this.#periodMs;
  }
}
