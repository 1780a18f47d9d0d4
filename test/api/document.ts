// The served OpenAPI document, as far as tests walk it.
import { inMemoryService } from "./in-memory-service.ts";

export interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Record<string, unknown>[];
  readonly parameters?: readonly Record<string, unknown>[];
  readonly requestBody?: { readonly content: Record<string, unknown> };
  readonly responses: Record<string, Record<string, unknown>>;
}

export interface Schema {
  readonly $ref?: string;
  readonly example?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Record<string, Schema>;
}

export interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly security: readonly Record<string, unknown>[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, Schema>>;
}

export async function servedDocument(): Promise<Document> {
  const { ask } = inMemoryService();
  return (await ask("/openapi.json", { token: null })).json();
}

export function operationsOf(document: Document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => {
      const security = operation.security ?? document.security;
      return {
        method: method.toUpperCase(),
        path,
        operation,
        open: security.length === 0,
        tokenRequired: security.length > 0 && !security.some((one) => Object.keys(one).length === 0),
      };
    }),
  );
}

/** A path with its parameters filled in. */
export function concrete(path: string): string {
  const id = path.includes("operations") ? "op_abc" : path.includes("tokens") ? "tok_abc" : "fo_abc";
  return path.replaceAll("{id}", id);
}
