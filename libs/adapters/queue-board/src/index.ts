/** A page on the queues for operators, to look and not to touch. Import it dynamically: most processes never show it. */
export { type QueueBoardOptions, queueBoard } from "./queue-board.ts";
