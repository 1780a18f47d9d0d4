// Slack: an incoming webhook takes blocks, and a text for where blocks can't be shown.
import type { Notification, Severity } from "../notification.ts";
import { fit } from "./text.ts";

/** Characters; Slack refuses the whole message where one block has more. */
const HEADER = 150;
const SECTION = 3000;
const FALLBACK = 4000;

const MARKS: Readonly<Record<Severity, string>> = {
  critical: "🔴",
  warning: "🟠",
  info: "🔵",
};

/** Slack reads `<!channel>` and links between these. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const section = (text: string) => ({ type: "section", text: { type: "mrkdwn", text } });

export function toSlack(notification: Notification): object {
  const { title, what, visitors, remedy, link, severity, action } = notification;
  const mark = action === "resolve" ? "🟢" : MARKS[severity];
  const rest = [visitors, remedy].filter((text) => text !== null);
  return {
    text: fit(`${mark} ${title}`, FALLBACK, escape),
    blocks: [
      { type: "header", text: { type: "plain_text", text: fit(`${mark} ${title}`, HEADER), emoji: true } },
      section(fit(what, SECTION, escape)),
      ...rest.map((text) => section(fit(text, SECTION, escape))),
      ...(link === null ? [] : [section(`<${escape(link)}|Details>`)]),
    ],
  };
}
