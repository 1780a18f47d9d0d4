import { loadWebhook, loadWebhooks, recordWebhook, type StoredWebhook } from "../store/webhooks.ts";
import { newId } from "./new-id.ts";
import { numberFrom, page } from "./paging.ts";
import type { Page, PageRequest } from "./reader-port.ts";

/** A webhook whose sender is known to be the one that it says. */
export interface GenuineWebhook {
  readonly source: StoredWebhook["source"];
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Null where each is another, however alike. */
  readonly dedupeKey: string | null;
}

/** What came in. It touches nothing at Cloudflare, so that the Coordinator needn't be asked. */
export interface Inbox {
  /** Stores it in one write; `isNew` is false of one that was there already. */
  take(webhook: GenuineWebhook): Promise<{ readonly id: string; readonly isNew: boolean }>;
  /** Newest first. */
  list(page: PageRequest): Promise<Page<StoredWebhook>>;
  find(id: string): Promise<StoredWebhook | null>;
}

export interface InboxDependencies {
  readonly db: D1Database;
  readonly accountId: string;
  readonly clock: { now(): number };
  /** Whatever of ours a sender might quote: it is never stored. */
  readonly secrets: readonly string[];
}

export function createInbox({ db, accountId, clock, secrets }: InboxDependencies): Inbox {
  const redacted = (text: string): string =>
    secrets.reduce((shown, secret) => shown.replaceAll(secret, "[secret]"), text);
  return {
    async take({ source, type, headers, body, dedupeKey }) {
      const id = newId("wh");
      const webhook = {
        id,
        source,
        type: redacted(type),
        receivedAt: clock.now(),
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, redacted(value)])),
        body: redacted(body),
        dedupeKey: dedupeKey ?? id,
      };
      const { id: kept } = await recordWebhook(db, accountId, webhook);
      return { id: kept, isNew: kept === id };
    },
    async list(request) {
      const found = await loadWebhooks(db, accountId, numberFrom(request), request.limit + 1);
      return page(found, request.limit, (last) => last.seq);
    },
    find: (id) => loadWebhook(db, accountId, id),
  };
}
