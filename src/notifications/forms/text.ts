// Cuts and escapes text so that it fits where it goes.

/** As much as fits into so many characters after escaping; what is cut ends in an ellipsis. */
export function fit(text: string, limit: number, escape: (text: string) => string = (same) => same): string {
  const whole = escape(text);
  if (whole.length <= limit) return whole;
  let kept = "";
  for (const character of text) {
    const next = kept + escape(character);
    if (next.length > limit - 1) break;
    kept = next;
  }
  return `${kept.trimEnd()}…`;
}

/** Of Discord and Adaptive Cards: a name with underscores isn't meant to be italic. */
export function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\*_~`|[\]<>]/g, String.raw`\$&`);
}
