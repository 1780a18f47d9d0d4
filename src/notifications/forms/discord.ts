// Discord: a webhook takes one embed, and nobody is to be mentioned by what a reason happens to say.
import type { Notification, Severity } from "../notification.ts";
import { escapeMarkdown, fit } from "./text.ts";

/** Characters. An embed has at most 6000 in all. */
const TITLE = 256;
const DESCRIPTION = 4096;
const PART = 1300;

const COLORS: Readonly<Record<Severity, number>> = { critical: 0xd92d20, warning: 0xf79009, info: 0x2e90fa };
const GREEN = 0x12b76a;

export function toDiscord(notification: Notification): object {
  const { title, what, visitors, remedy, link, severity, action, at } = notification;
  const parts = [what, visitors, remedy].filter((text) => text !== null);
  const description = parts.map((text) => fit(text, PART, escapeMarkdown)).join("\n\n");
  return {
    embeds: [
      {
        title: fit(title, TITLE),
        description: description.slice(0, DESCRIPTION),
        color: action === "resolve" ? GREEN : COLORS[severity],
        timestamp: new Date(at).toISOString(),
        ...(link === null ? {} : { url: link }),
      },
    ],
    allowed_mentions: { parse: [] },
  };
}
