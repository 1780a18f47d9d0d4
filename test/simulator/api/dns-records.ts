// API-FACTS 11.1.
import { Hono } from "hono";
import { isInZone, kindOfAddress } from "../addresses.ts";
import { newId, timestamp } from "../identity.ts";
import type { DnsRecord, Zone } from "../objects.ts";
import type { State } from "../state.ts";
import { asBody, flag, text, texts, type Body } from "./body.ts";
import { needs, ok, readBody, zoneOfCall, type Call, type CallEnv } from "./call.ts";
import { DNS_PAGING, paged } from "./paging.ts";
import { Refusal } from "./refusal.ts";

const READ = needs("DNS Read");
const WRITE = needs("DNS Write");

const PROXIABLE = new Set(["A", "AAAA", "CNAME"]);

function recordOf(c: Call): DnsRecord {
  const record = c.env.state.dnsRecords.get(c.req.param("id") ?? "");
  if (record === undefined || record.zone_id !== zoneOfCall(c).id)
    throw new Refusal(404, 81044, "Record does not exist.");
  return record;
}

export function presentRecord(record: DnsRecord): Record<string, unknown> {
  const { zone_id: _zone, ...shown } = record;
  return { ...shown, proxiable: PROXIABLE.has(record.type), meta: { auto_added: false, source: "primary" } };
}

function checkContent(type: string, content: string): void {
  const kind = kindOfAddress(content);
  const wrong =
    (type === "A" && (kind === "hostname" || kind === "malformed" || content.includes(":"))) ||
    (type === "AAAA" && !content.includes(":")) ||
    (type === "CNAME" && kind !== "hostname") ||
    content === "";
  if (wrong) throw new Refusal(400, 9005, `Content for ${type} record is invalid.`);
}

function checkNeighbours(state: State, zone: Zone, record: DnsRecord): void {
  for (const other of state.dnsRecords.values()) {
    if (other.zone_id !== zone.id || other.id === record.id || other.name !== record.name) continue;
    if (other.type === record.type && other.content === record.content) {
      throw new Refusal(400, 81058, "An identical record already exists.");
    }
    // A and AAAA may share a name, a CNAME shares it with neither.
    const clash = PROXIABLE.has(other.type) && PROXIABLE.has(record.type);
    if (clash && (other.type === "CNAME" || record.type === "CNAME")) {
      throw new Refusal(400, 81053, "An A, AAAA, or CNAME record with that host already exists.");
    }
  }
  const shadowed = [...state.loadBalancers.values()].some(
    (lb) => lb.zone_id === zone.id && lb.name === record.name,
  );
  if (shadowed && state.switches.recordUnderLbRefused && PROXIABLE.has(record.type)) {
    throw new Refusal(400, 81053, "An LB record with that host already exists.");
  }
}

export function fillRecord(state: State, now: number, zone: Zone, body: Body, before?: DnsRecord): DnsRecord {
  const type = text(body, "type", "").toUpperCase();
  const sentName = text(body, "name", "").toLowerCase().replace(/\.$/, "");
  if (type === "" || sentName === "") throw new Refusal(400, 1004, "DNS Validation Error");
  const name =
    sentName === "@" ? zone.name : isInZone(sentName, zone.name) ? sentName : `${sentName}.${zone.name}`;
  const content = text(body, "content", "");
  checkContent(type, content);
  const proxied = flag(body, "proxied", false);
  if (proxied && !PROXIABLE.has(type)) throw new Refusal(400, 9004, "This record type cannot be proxied.");
  const at = timestamp(state, now);
  const ttl = typeof body["ttl"] === "number" && !proxied ? body["ttl"] : 1;
  const record: DnsRecord = {
    id: before?.id ?? newId(state),
    zone_id: zone.id,
    type,
    name,
    content,
    proxied,
    ttl,
    comment: text(body, "comment", "") || null,
    tags: texts(body, "tags"),
    ...(typeof body["priority"] === "number" ? { priority: body["priority"] } : {}),
    created_on: before?.created_on ?? at,
    modified_on: at,
  };
  checkNeighbours(state, zone, record);
  return record;
}

function save(c: Call, record: DnsRecord): Response {
  c.env.state.dnsRecords.set(record.id, record);
  return ok(c, presentRecord(record));
}

function filterOf(c: Call): (record: Record<string, unknown>) => boolean {
  const query = c.req.query();
  const name = (query["name"] ?? query["name.exact"])?.toLowerCase();
  const { type, content, proxied } = query;
  const contains = query["name.contains"];
  return (record) =>
    (name === undefined || record["name"] === name) &&
    (contains === undefined || String(record["name"]).includes(contains)) &&
    (type === undefined || record["type"] === type) &&
    (content === undefined || record["content"] === content) &&
    (proxied === undefined || String(record["proxied"]) === proxied);
}

export const dnsRecords = new Hono<CallEnv>()
  .get("/", READ, (c) => {
    const { state } = c.env;
    const zone = zoneOfCall(c);
    const records = [...state.dnsRecords.values()].filter((record) => record.zone_id === zone.id);
    const shown = records.map((record) => presentRecord(record));
    // Whether the LB entries of the DNS page are listed here is open.
    if (state.switches.dnsListShowsLb) {
      for (const lb of state.loadBalancers.values()) {
        if (lb.zone_id !== zone.id) continue;
        const { id, name, proxied, ttl, created_on, modified_on } = lb;
        shown.push({
          id,
          type: "LB",
          name,
          content: name,
          proxied,
          ttl,
          proxiable: true,
          created_on,
          modified_on,
        });
      }
    }
    return paged(c, shown.filter(filterOf(c)), DNS_PAGING);
  })
  .post("/", WRITE, async (c) => {
    const body = await readBody(c);
    return save(c, fillRecord(c.env.state, c.env.now, zoneOfCall(c), body));
  })
  .get("/:id", READ, (c) => ok(c, presentRecord(recordOf(c))))
  .put("/:id", WRITE, async (c) => {
    const body = await readBody(c);
    return save(c, fillRecord(c.env.state, c.env.now, zoneOfCall(c), body, recordOf(c)));
  })
  .patch("/:id", WRITE, async (c) => {
    const body = await readBody(c);
    const before = recordOf(c);
    return save(c, fillRecord(c.env.state, c.env.now, zoneOfCall(c), { ...asBody(before), ...body }, before));
  })
  .delete("/:id", WRITE, (c) => {
    const { id } = recordOf(c);
    c.env.state.dnsRecords.delete(id);
    return ok(c, { id });
  });
