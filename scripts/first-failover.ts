// The lines that a newcomer copies from the terminal, one after the other.

export interface Step {
  readonly title: string;
  readonly commands: readonly string[];
}

export interface Place {
  readonly url: string;
  readonly simulatorUrl: string;
  readonly adminToken: string;
}

export const SHOP = {
  name: "shop",
  hostname: "www.example.com",
  primary: { address: "origin.example.net" },
  secondary: { pages_project: "shop" },
} as const;

const PRIMARY = "$SIM/_sim/origins/origin.example.net";
const AUTH = '-H "$AUTH"';
const SHOW = "curl -sS $API/v1/failovers/shop";

const visit = (hostname: string) => `curl -sS -w '\\n' $SIM -H "Host: ${hostname}"`;
const act = (verb: string, body?: object) =>
  `curl -sS -w '\\n' -X POST $API/v1/failovers/shop/${verb} ${AUTH} -H "Prefer: wait=60"${
    body === undefined ? "" : ` -H "Content-Type: application/json" -d '${JSON.stringify(body)}'`
  }`;
const until = (member: string, value: string) =>
  `until ${SHOW} ${AUTH} | grep -o '"${member}":"${value}"'; do sleep 1; done`;

export function firstFailover({ url, simulatorUrl, adminToken }: Place): Step[] {
  return [
    {
      title: "",
      commands: [`export API=${url} SIM=${simulatorUrl} AUTH="Authorization: Bearer ${adminToken}"`],
    },
    {
      title: "Create it: a draft, disabled on the test hostname",
      commands: [
        `curl -sS -w '\\n' $API/v1/failovers ${AUTH} -H "Content-Type: application/json" -d '${JSON.stringify(SHOP)}'`,
      ],
    },
    {
      title:
        "Watch until both endpoints are healthy: Cloudflare checks a new pool after its first interval, a minute",
      commands: [until("readiness", "ready")],
    },
    {
      title: "Promote it to the test hostname, and look at that as a visitor",
      commands: [act("promote"), visit("lb-shop.example.com")],
    },
    {
      title: "Rehearse the failover there: the secondary serves for five seconds, then the primary again",
      commands: [act("drills", { method: "reorder", hold_seconds: 5 })],
    },
    {
      title: "Promote it to production, and let that bake for ten seconds (five minutes unless you say so)",
      commands: [act("promote", { bake_seconds: 10 }), visit(SHOP.hostname)],
    },
    {
      title:
        "Let Cloudflare tell of deploys, and deploy the Pages site: what it serves now is verified at once",
      commands: [
        `curl -sS -w '\\n' -X POST $API/v1/setup/notifications ${AUTH}`,
        "curl -sS -w '\\n' -X POST $SIM/_sim/deploy/shop",
        `until ${SHOW}/events ${AUTH} | grep -o '"type":"standby.verified"'; do sleep 1; done`,
      ],
    },
    {
      title: "Break the primary: visitors get the Pages site, and the status says so within two minutes",
      commands: [
        `curl -sS -w '\\n' -X PATCH ${PRIMARY} -d '{"up":false}'`,
        visit(SHOP.hostname),
        until("serving", "secondary"),
      ],
    },
    {
      title: "Mend it, and read what happened",
      commands: [
        `curl -sS -w '\\n' -X PATCH ${PRIMARY} -d '{"up":true}'`,
        until("serving", "primary"),
        `curl -sS -w '\\n' $API/v1/failovers/shop/events?limit=100 ${AUTH}`,
      ],
    },
  ];
}
