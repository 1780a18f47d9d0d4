// Decides what is ours: the marker that ends the description of every object which the service makes.

export type Role = "monitor" | "primary" | "secondary" | "load_balancer";
export const ROLES: readonly Role[] = ["monitor", "primary", "secondary", "load_balancer"];

export type Kind = "monitor" | "pool" | "load_balancer";

export function kindOf(role: Role): Kind {
  return role === "primary" || role === "secondary" ? "pool" : role;
}

/** `installation` is this installation's short id, `[a-z0-9]{8}`: two installations in one account never fight. */
export function markerOf(installation: string, failoverId: string, role: Role): string {
  return `understudy:${installation}:${failoverId}:${role}`;
}

export function describeWith(text: string, marker: string): string {
  return text === "" ? marker : `${text} ${marker}`;
}

/** Only the exact marker at the very end counts: a longer id must not pass for a shorter one. */
export function carriesMarker(description: unknown, marker: string): boolean {
  return typeof description === "string" && (description === marker || description.endsWith(` ${marker}`));
}

export function withoutMarker(description: string, marker: string): string {
  return carriesMarker(description, marker) ? description.slice(0, -marker.length).trimEnd() : description;
}

/** The marker that ends a description, of whichever installation; null where none does. */
export function markerIn(
  description: unknown,
): { installation: string; failoverId: string; marker: string } | null {
  const text = typeof description === "string" ? description : "";
  const marker = /(?:^| )(understudy:[a-z0-9]+:fo_[A-Za-z0-9]+:[a-z_]+)$/.exec(text)?.[1];
  const [, installation, failoverId] = marker?.split(":") ?? [];
  if (marker === undefined || installation === undefined || failoverId === undefined) return null;
  return { installation, failoverId, marker };
}

/** Whose object it is, where it is one of this installation; null of everybody else's. */
export function failoverIn(
  description: string,
  installation: string,
): { failoverId: string; marker: string } | null {
  const found = markerIn(description);
  if (found === null || found.installation !== installation) return null;
  return { failoverId: found.failoverId, marker: found.marker };
}
