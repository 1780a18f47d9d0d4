import { ok, type Call, type ResultInfo } from "./call.ts";
import { Refusal } from "./refusal.ts";

interface Paging {
  defaultSize: number;
  least: number;
  most: number;
  refusal: () => Refusal;
}

export const ZONE_PAGING: Paging = {
  defaultSize: 20,
  least: 5,
  most: 50,
  refusal: () => new Refusal(400, 6003, "Invalid page or per_page"),
};

export const DNS_PAGING: Paging = {
  defaultSize: 100,
  least: 1,
  most: 5_000_000,
  refusal: () => new Refusal(400, 9206, "per_page must be between 1 and 5000000"),
};

/** More than 25 a page is refused by Pages (API-FACTS 12.2). */
export const PAGES_PAGING: Paging = {
  defaultSize: 25,
  least: 1,
  most: 25,
  refusal: () =>
    new Refusal(400, 8000024, "Invalid list options provided. Review the `page` or `per_page` parameter."),
};

export const SEARCH_PAGING: Paging = {
  defaultSize: 25,
  least: 1,
  most: 1000,
  refusal: () => new Refusal(400, 1002, "per_page is not in range [1, 1000]: validation failed"),
};

/** Objects as answers show them. */
export type Shown = Record<string, unknown>;

export function visible(c: Call, objects: Shown[]): Shown[] {
  const { omit } = c.env;
  return omit === undefined ? objects : objects.filter((object) => !omit(object));
}

export function page(c: Call, all: Shown[], paging: Paging): { items: Shown[]; info: ResultInfo } {
  const objects = visible(c, all);
  const number = Number(c.req.query("page") ?? 1);
  const size = Number(c.req.query("per_page") ?? paging.defaultSize);
  if (!(number >= 1) || !(size >= paging.least && size <= paging.most)) throw paging.refusal();
  const items = objects.slice((number - 1) * size, number * size);
  return {
    items,
    info: {
      page: number,
      per_page: size,
      count: items.length,
      total_count: objects.length,
      total_pages: Math.max(1, Math.ceil(objects.length / size)),
    },
  };
}

export function paged(c: Call, all: Shown[], paging: Paging): Response {
  const { items, info } = page(c, all, paging);
  return ok(c, items, info);
}

/** Lists of monitors, pools and load balancers: everything at once, or pages that honour per_page up to the page size (API-FACTS 5.5). */
export function loadBalancingList(c: Call, all: Shown[]): Response {
  const { listMode, listPageSize } = c.env.state.switches;
  const objects = visible(c, all);
  if (listMode === "everything") {
    return ok(c, objects, {
      page: 1,
      per_page: Math.max(listPageSize, objects.length),
      count: objects.length,
      total_count: objects.length,
      total_pages: 1,
    });
  }
  const asked = Number(c.req.query("per_page") ?? listPageSize);
  const size = Math.min(Math.max(1, Number.isNaN(asked) ? listPageSize : asked), listPageSize);
  const number = Math.max(1, Number(c.req.query("page") ?? 1) || 1);
  const items = objects.slice((number - 1) * size, number * size);
  return ok(c, items, {
    page: number,
    per_page: size,
    count: items.length,
    total_count: objects.length,
    total_pages: Math.max(1, Math.ceil(objects.length / size)),
  });
}
