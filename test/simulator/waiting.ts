/** Waits, unless the caller gives up first; then it rejects with the caller's reason. */
export type Wait = (ms: number, signal?: AbortSignal) => Promise<void>;

export function createWait(sleep: ((ms: number) => Promise<void>) | undefined): Wait {
  return async (ms, signal) => {
    if (ms <= 0) return;
    signal?.throwIfAborted();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let giveUp: (() => void) | undefined;
    const pause =
      sleep === undefined ? new Promise<void>((resolve) => (timer = setTimeout(resolve, ms))) : sleep(ms);
    const aborted = new Promise<never>((_resolve, reject) => {
      giveUp = () => reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      signal?.addEventListener("abort", giveUp, { once: true });
    });
    try {
      await Promise.race([pause, aborted]);
    } finally {
      clearTimeout(timer);
      if (giveUp !== undefined) signal?.removeEventListener("abort", giveUp);
    }
  };
}
