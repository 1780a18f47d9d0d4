// Microsoft Teams: a workflow that begins with a webhook takes a message with an Adaptive Card.
import type { Notification, Severity } from "../notification.ts";
import { escapeMarkdown, fit } from "./text.ts";

/** Characters: a message may have 28 KB, and a character up to four bytes. */
const TITLE = 300;
const PART = 1500;

const COLORS: Readonly<Record<Severity, string>> = {
  critical: "attention",
  warning: "warning",
  info: "accent",
};

const block = (text: string, more: object = {}) => ({ type: "TextBlock", text, wrap: true, ...more });

export function toTeams(notification: Notification): object {
  const { title, what, visitors, remedy, link, severity, action } = notification;
  const parts = [what, visitors, remedy].filter((text) => text !== null);
  const color = action === "resolve" ? "good" : COLORS[severity];
  const card = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    msteams: { width: "Full" },
    body: [
      block(fit(title, TITLE, escapeMarkdown), { size: "Medium", weight: "Bolder", color }),
      ...parts.map((text) => block(fit(text, PART, escapeMarkdown))),
    ],
    ...(link === null ? {} : { actions: [{ type: "Action.OpenUrl", title: "Details", url: link }] }),
  };
  return {
    type: "message",
    attachments: [
      { contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content: card },
    ],
  };
}
