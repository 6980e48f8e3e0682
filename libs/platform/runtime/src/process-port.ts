/** Why a process is asked to stop from outside, or what broke inside it without being caught. */
export interface ProcessListeners {
  readonly onSignal: (signal: "SIGTERM" | "SIGINT") => void;
  readonly onFault: (kind: "uncaughtException" | "unhandledRejection", thrown: unknown) => void;
}

/** The part of a process that its lifecycle needs, as a port, so that tests send signals without sending any. */
export interface ProcessPort {
  /** Listens until the returned function is called. */
  listen(listeners: ProcessListeners): () => void;
  /** Ends the process with a code. */
  exit(code: number): void;
}

/** The process this runs in. */
export const systemProcess: ProcessPort = {
  listen({ onSignal, onFault }) {
    const onSigterm = () => onSignal("SIGTERM");
    const onSigint = () => onSignal("SIGINT");
    const onException = (error: unknown) => onFault("uncaughtException", error);
    const onRejection = (reason: unknown) => onFault("unhandledRejection", reason);
    process.on("SIGTERM", onSigterm);
    process.on("SIGINT", onSigint);
    process.on("uncaughtException", onException);
    process.on("unhandledRejection", onRejection);
    return () => {
      process.off("SIGTERM", onSigterm);
      process.off("SIGINT", onSigint);
      process.off("uncaughtException", onException);
      process.off("unhandledRejection", onRejection);
    };
  },
  exit: (code) => process.exit(code),
};
