// Locally no cron fires by itself: this is what the platform does once a minute.

const TICK = "/cdn-cgi/handler/scheduled?cron=*+*+*+*+*";

export interface Cron {
  stop(): void;
}

/** Fires at once and then every `everyMs`; a tick that still runs absorbs the next. */
export function startCron(url: string, everyMs: number, onTrouble: (why: string) => void): Cron {
  let isRunning = false;
  const fire = async () => {
    if (isRunning) return;
    isRunning = true;
    try {
      const response = await fetch(`${url}${TICK}`, { signal: AbortSignal.timeout(60_000) });
      const text = await response.text();
      if (!response.ok) onTrouble(`the cron answered ${response.status}: ${text.slice(0, 200)}`);
    } catch (error) {
      if (!isStopped) onTrouble(`the cron could not be fired: ${String(error)}`);
    } finally {
      isRunning = false;
    }
  };
  let isStopped = false;
  const timer = setInterval(() => void fire(), everyMs);
  void fire();
  return {
    stop() {
      isStopped = true;
      clearInterval(timer);
    },
  };
}
