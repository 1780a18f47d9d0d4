// What Cloudflare Access says of somebody, and which grants that gives. Claims are taken only after the JWT was verified.
import { z } from "zod";
import { NAME_PATTERN, scopeOf, SCOPES, type Grant, type Principal } from "./access.ts";

/** Whom a grant is for: all in a group, one address, all addresses of a domain, or a service token. */
export type Grantee =
  | { readonly group: string }
  | { readonly email: string }
  | { readonly email_domain: string }
  | { readonly service_token: string };

export type AccessGrant = Grant & { readonly to: Grantee };

const text = z.string().min(1);
const rights = {
  scopes: z.array(z.enum(SCOPES)).min(1),
  failovers: z.array(z.string().regex(NAME_PATTERN)).min(1).optional(),
};

/** As an operator writes them: each for exactly one of group, email, email_domain and service_token. */
export const accessGrantsSchema = z
  .array(
    z.union(
      [
        z.strictObject({ group: text, ...rights }),
        z.strictObject({ email: text, ...rights }),
        z.strictObject({ email_domain: text, ...rights }),
        z.strictObject({ service_token: text, ...rights }),
      ],
      `must be a list of {"group" or "email" or "email_domain" or "service_token": "…", "scopes": [${SCOPES.join(", ")}], "failovers"?: ["name-*"]}`,
    ),
  )
  .transform((grants): AccessGrant[] =>
    grants.map(({ scopes, failovers = null, ...to }) => ({ to, scope: scopeOf(scopes), failovers })),
  );

export type Claims = Readonly<Record<string, unknown>>;

interface Identity {
  readonly email: string | null;
  readonly groups: readonly string[];
  readonly serviceToken: string | null;
}

/** Identity providers tell groups as names, or as objects with an id and a name. */
function groupNames(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    if (typeof one === "string") return [one];
    if (typeof one !== "object" || one === null) return [];
    const { id, name } = one as { id?: unknown; name?: unknown };
    return [id, name].filter((word) => typeof word === "string");
  });
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Claims of one's own identity provider stand in `custom`. */
function identityOf(claims: Claims): Identity {
  const { custom } = claims;
  const own = typeof custom === "object" && custom !== null ? (custom as Claims) : {};
  const email = textOf(claims["email"])?.toLowerCase() ?? null;
  return {
    email,
    groups: email === null ? [] : [...groupNames(claims["groups"]), ...groupNames(own["groups"])],
    // A person's certificate has a common name, too: only without an address is it a service token.
    serviceToken: email === null ? textOf(claims["common_name"]) : null,
  };
}

function isFor(to: Grantee, { email, groups, serviceToken }: Identity): boolean {
  if ("group" in to) return groups.includes(to.group);
  if ("service_token" in to) return serviceToken === to.service_token;
  if (email === null) return false;
  if ("email" in to) return email === to.email.toLowerCase();
  return email.slice(email.lastIndexOf("@") + 1) === to.email_domain.toLowerCase();
}

/** Everything that any of the grants gives; nothing where none is for them. Null where the claims name nobody. */
export function principalOf(claims: Claims, grants: readonly AccessGrant[]): Principal | null {
  const identity = identityOf(claims);
  const given = grants
    .filter(({ to }) => isFor(to, identity))
    .map(({ scope, failovers }) => ({ scope, failovers }));
  if (identity.email !== null) {
    return {
      actor: { kind: "person", name: identity.email },
      grants: given,
      key: `person:${identity.email}`,
    };
  }
  if (identity.serviceToken === null) return null;
  // No token of ours has a colon in its name.
  const name = `access:${identity.serviceToken}`;
  return { actor: { kind: "token", name }, grants: given, key: name };
}
