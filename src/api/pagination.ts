import { z } from "@hono/zod-openapi";
import type { Page, PageRequest } from "../actions/reader-port.ts";

const LIMIT = "must be a whole number from 1 to 100";

/** Parameters are text: a number is read strictly, so that `1e1` or a blank is no number of items. */
export const pageQuerySchema = z.object({
  limit: z
    .string(LIMIT)
    .regex(/^([1-9]\d?|100)$/, LIMIT)
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: 100,
      default: 25,
      description: "How many items a page has at most.",
      example: 25,
    }),
  cursor: z
    .string("must be given once")
    .min(1, "must be next_cursor of the page before")
    .max(512, "must be next_cursor of the page before")
    .optional()
    .openapi({ description: "`next_cursor` of the page before; absent for the first page.", example: "NDI" }),
});

export function pageRequest({ limit, cursor }: z.output<typeof pageQuerySchema>): PageRequest {
  return { limit: limit === undefined ? 25 : Number(limit), cursor: cursor ?? null };
}

export function presentPage<T, U>(page: Page<T>, present: (item: T) => U) {
  return { items: page.items.map(present), next_cursor: page.nextCursor };
}
