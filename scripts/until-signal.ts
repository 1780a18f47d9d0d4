const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** npm hands on what the terminal has sent to the whole group already: one keystroke arrives twice. */
const SAME_KEYSTROKE_MS = 1000;

/**
 * Resolves with the first signal to end. wrangler's own listeners would exit in the middle of whatever else is going
 * on, so they give way; a second signal doesn't wait for anything.
 */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | null = null;
    for (const signal of SIGNALS) {
      process.removeAllListeners(signal);
      process.on(signal, () => {
        firstAt ??= Date.now();
        if (Date.now() - firstAt > SAME_KEYSTROKE_MS) process.exit(1);
        resolve(signal);
      });
    }
  });
}
