import { advanced, DeliveryProgress, type Lane, triedInVain, wasTriedLongEnough } from "./delivery-progress.ts";
import {
  type DeliveryState,
  firstState,
  isChangedSince,
  isSwitchedOnSince,
  MOST_WAITING,
  triedAnew,
  waitingOf,
  type WaitingLane,
} from "./delivery-state.ts";
import type { DeliveryClock, DeliveryStore } from "./ports.ts";
import type { Webhook } from "./webhook.ts";
import { isMeant, type WebhookEvent, type WebhookEvents } from "./webhook-event.ts";

/**
 * The result of one attempt; `cut` when it was broken off because the process is to stop. With `isOurs` the failure is
 * not the receiver's: then nothing is given up, and nobody is dead. With `isSlow` the receiver was long in coming to it.
 */
export type SendEnd =
  | { readonly outcome: "delivered"; readonly isSlow?: boolean }
  | { readonly outcome: "failed"; readonly error: string; readonly isOurs?: true; readonly isSlow?: boolean }
  | { readonly outcome: "cut" };

export interface DeliverPorts {
  readonly events: WebhookEvents;
  readonly deliveries: DeliveryStore;
  /** Sends an event once. Never throws. */
  readonly send: (event: WebhookEvent, webhook: Webhook) => Promise<SendEnd>;
  /** Hands over an event that was tried for long enough. @returns whether it did; the event goes on waiting otherwise */
  readonly giveUp: (event: WebhookEvent, webhook: Webhook) => Promise<boolean>;
  readonly clock: DeliveryClock;
  /** Whether nothing is to be begun any more: the time is up, or the process stops. */
  readonly isOver: () => boolean;
}

/** `idle`: nothing is left to do now; `more`: the time was up; `outdated`: another process delivers; `dead`: see DeliveryProgress.isDead. */
export type DeliveryEnd = "idle" | "more" | "outdated" | "dead";

/** Deliveries of one webhook under way at once. */
const CONCURRENCY = 8;
/** Events read together, and delivered twice at most when the process dies. */
const PAGE = 64;
const LANES_AT_ONCE = 64;
const EVENTS_OF_A_LANE = 16;
/** While a receiver is away, every fourth attempt is at a new event, though others wait. */
const NEW_EVERY = 4;

/**
 * Delivers events to one webhook until nothing is left to do, or the time is up: in order per subject, at least once.
 *
 * May run twice at once: both then begin with what is kept, so that a receiver sees the events of a subject in their order,
 * some of them twice; the one that keeps its progress first goes on.
 *
 * @throws when a store is away; what was delivered and not kept is delivered again
 */
export async function deliverEvents(webhook: Webhook, ports: DeliverPorts): Promise<DeliveryEnd> {
  const { deliveries, clock, isOver } = ports;
  let state = (await deliveries.delivery(webhook.id)) ?? firstState(webhook);
  if (isChangedSince(state, webhook)) {
    state = await stillMeant(state, webhook, ports);
    if ((await deliveries.keepDelivery(state)) === "outdated") return "outdated";
  }
  while (!isOver()) {
    if (isSwitchedOnSince(state, webhook, clock.now())) state = triedAnew(state, clock.now());
    const work = await nextWork(webhook, state, ports);
    if (work === null) return "idle";
    await carryOut(work, webhook, ports);
    state = work.progress.state();
    if ((await deliveries.keepDelivery(state)) === "outdated") return "outdated";
    if (work.progress.isDead(clock)) return "dead";
  }
  return "more";
}

/** The state of a webhook that was changed, without what waits and is not meant for it any more: nobody wants that tried again. */
async function stillMeant(
  { lanes, ...state }: DeliveryState,
  webhook: Webhook,
  { events, clock }: DeliverPorts,
): Promise<DeliveryState> {
  const found = await events.find(lanes.flatMap(({ seqs }) => seqs));
  const meant = new Map(found.filter((event) => isMeant(event, webhook)).map((event) => [event.seq, event]));
  const left = lanes.flatMap((lane): WaitingLane[] => {
    const [first, ...others] = lane.seqs.flatMap((seq) => meant.get(seq) ?? []);
    if (first === undefined) return [];
    const seqs = [first, ...others].map(({ seq }) => seq);
    if (first.seq === lane.seqs[0]) return [{ ...lane, seqs }];
    return [{ ...lane, seqs, attempts: 0, since: null, nextAt: clock.now(), at: first.at }];
  });
  return { ...state, lanes: left, webhookRevision: webhook.revision, revision: state.revision + 1 };
}

interface Work {
  readonly progress: DeliveryProgress;
  readonly lanes: readonly Lane[];
}

/**
 * The next events to deliver; null when there are none. A receiver that is away gets one event, and now and then it is
 * a new one: those that wait may be ones that it never takes.
 */
async function nextWork(webhook: Webhook, state: DeliveryState, { events, clock }: DeliverPorts): Promise<Work | null> {
  const progress = new DeliveryProgress(state);
  if (progress.isPaused(clock.now())) return null;
  const room = MOST_WAITING - waitingOf(state);
  const isTurnOfNew = !progress.isAway || progress.failures % NEW_EVERY === 0 || progress.due(clock.now()).length === 0;
  const wantsNew = room > 0 && isTurnOfNew;
  const page = wantsNew ? await events.after(state.cursor, Math.min(PAGE, room)) : [];
  const fresh = takeNew(webhook, page, progress, progress.isAway ? 1 : PAGE);
  // Events that were taken may wait in these by now.
  const due = progress.due(clock.now());
  const retried = progress.isAway ? due.slice(0, fresh.length === 0 ? 1 : 0) : due.slice(0, LANES_AT_ONCE);
  if (page.length === 0 && retried.length === 0) return null;
  const found = await events.find(retried.flatMap(({ seqs }) => seqs.slice(0, EVENTS_OF_A_LANE)));
  const bySeq = new Map(found.map((event) => [event.seq, event]));
  const waiting = retried.map((lane): Lane => {
    // Events that the log has dropped can't be delivered.
    const asked = lane.seqs.slice(0, EVENTS_OF_A_LANE);
    const read = asked.flatMap((seq) => bySeq.get(seq) ?? []);
    return { ...lane, seqs: [...read.map(({ seq }) => seq), ...lane.seqs.slice(EVENTS_OF_A_LANE)], events: read };
  });
  return { progress, lanes: [...waiting, ...fresh] };
}

/** Takes new events off the log: those of a subject that waits go on waiting, the others begin lanes. */
function takeNew(
  webhook: Webhook,
  page: readonly WebhookEvent[],
  progress: DeliveryProgress,
  most: number,
): readonly Lane[] {
  const taken = new Map<string, WebhookEvent[]>();
  let count = 0;
  for (const event of page) {
    if (isMeant(event, webhook) && !progress.waitBehind(event)) {
      if (count === most) break;
      count += 1;
      taken.set(event.subject, [...(taken.get(event.subject) ?? []), event]);
    }
    progress.moveTo(event.seq);
  }
  return [...taken].map(([subject, events]) => {
    const at = events[0]?.at ?? 0;
    return { subject, events, seqs: events.map(({ seq }) => seq), attempts: 0, since: null, nextAt: 0, at };
  });
}

async function carryOut({ progress, lanes }: Work, webhook: Webhook, ports: DeliverPorts) {
  const wasAway = progress.isAway;
  const isHalted = () => ports.isOver() || (!wasAway && progress.isAway);
  const left = [...lanes];
  const runners = Array.from({ length: CONCURRENCY }, async () => {
    for (let lane = left.shift(); lane !== undefined; lane = left.shift()) {
      progress.keep(isHalted() ? lane : await runLane(lane, webhook, progress, isHalted, ports));
    }
  });
  await Promise.all(runners);
}

/** Delivers the events of a lane one after the other. @returns what is left of it */
async function runLane(
  begun: Lane,
  webhook: Webhook,
  progress: DeliveryProgress,
  isHalted: () => boolean,
  { send, giveUp, clock }: DeliverPorts,
): Promise<Lane> {
  let lane = begun;
  for (let [event] = lane.events; event !== undefined; [event] = lane.events) {
    const end = await send(event, webhook);
    if (end.outcome === "cut") return lane;
    progress.answered(end.isSlow === true);
    if (end.outcome === "delivered") {
      progress.delivered(clock.now());
      lane = advanced(lane, clock.now());
    } else {
      progress.failed(end, lane, clock);
      const isOurs = end.isOurs === true;
      const isGivenUp = !isOurs && wasTriedLongEnough(lane, clock) && (await giveUp(event, webhook));
      return isGivenUp ? advanced(lane, clock.now()) : triedInVain(lane, isOurs, clock);
    }
    if (isHalted()) return lane;
  }
  return lane;
}
