// Ends what takes too long.

/**
 * What the work gives, or after so many milliseconds what is said in its place. The signal tells the work that nobody
 * waits for it any more; it is raced too, because a binding or a handshake may not heed it.
 */
export async function withDeadline<T>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => T,
): Promise<T> {
  const over = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const lateness = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late()), milliseconds);
  });
  try {
    return await Promise.race([work(over.signal), lateness]);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}
