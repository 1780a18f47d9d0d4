// Checks of whether the endpoints show the same site, and whether their pages can be told from others.
import type { Endpoint } from "../complete.ts";
import type { Side } from "../failover.ts";
import { pass, unknown, warn, type Check, type Finding } from "./check.ts";
import { DOCUMENTATION } from "./documentation.ts";
import type { Inspection } from "./facts.ts";
import { CAUSES, looked } from "./inspected.ts";

function saidOf({ header, value, body }: NonNullable<Endpoint["marker"]>): string {
  const inHeader =
    header === undefined ? [] : [`the header ${header}${value === undefined ? "" : ` with ${value}`}`];
  const inBody = body === undefined ? [] : [`the text "${body}"`];
  return [...inHeader, ...inBody].join(" and ");
}

/** Whether both endpoints show the same site: status, title or marker, and build where they say it. */
export function compareEndpoints({ primary, secondary }: Readonly<Record<Side, Inspection | null>>): Finding {
  if (primary === null || secondary === null || primary.failure !== null || secondary.failure !== null)
    return unknown("both endpoints have to answer before they can be compared", {});
  const shown = ({ status, title, build, markerFound }: Inspection) => ({
    status,
    title,
    build,
    marker_found: markerFound,
  });
  const evidence = { primary: shown(primary), secondary: shown(secondary) };
  const isMarked = primary.markerFound === true && secondary.markerFound === true;
  const differ = [
    ...(primary.status === secondary.status ? [] : [`status ${primary.status} and ${secondary.status}`]),
    ...(isMarked || primary.title === secondary.title
      ? []
      : [`title "${primary.title ?? ""}" and "${secondary.title ?? ""}"`]),
    ...(primary.build === null || secondary.build === null || primary.build === secondary.build
      ? []
      : [`build ${primary.build} and ${secondary.build}`]),
  ];
  return differ.length === 0
    ? pass(isMarked ? "each endpoint carries its marker" : "both endpoints answer alike", evidence)
    : warn(`the endpoints differ: ${differ.join("; ")}`, evidence);
}

export const LIKENESS_CHECKS: readonly Check[] = [
  {
    id: "soft-404",
    asks: "Does the endpoint answer 404 for a path that does not exist?",
    worst: "warn",
    means: "a health check of a page that is gone would still succeed",
    remedy:
      "Set monitor.expected_body to a text that only the real page holds; in a Pages project add a 404.html, so that it no longer answers every path.",
    documentation: DOCUMENTATION.serving,
    follows: CAUSES,
    judgeEndpoint: looked(({ absentPath, status, failure }, _, side) => {
      const evidence = { status, absent_path: absentPath };
      if (absentPath === null || failure !== null)
        return unknown(
          `what the ${side} endpoint answers for a path that does not exist is not known`,
          evidence,
        );
      const isGood = absentPath.status >= 200 && absentPath.status < 300;
      if (!isGood) return pass(`a path that does not exist answers ${absentPath.status}`, evidence);
      const same = absentPath.sameBody ? " with the very same page" : "";
      return warn(
        `the ${side} endpoint answers a path that does not exist with status ${absentPath.status}${same}`,
        evidence,
      );
    }),
  },
  {
    id: "parity",
    asks: "Do both endpoints show the same site: status, title or marker, build?",
    worst: "warn",
    means: "visitors would notice a failover by more than an outage",
    remedy:
      "Deploy the same version to both; where they differ on purpose, give each endpoint a marker (primary.marker and secondary.marker), which says so.",
    documentation: DOCUMENTATION.tutorial,
    follows: [...CAUSES, "marker-found"],
    judge: ({ inspections }) => compareEndpoints(inspections),
  },
  {
    id: "marker-found",
    asks: "Does each endpoint's answer carry the marker that the spec gives it?",
    worst: "warn",
    means: "who serves the hostname can't be told by it",
    remedy: "Correct {endpoint}.marker, or let the site carry it.",
    documentation: DOCUMENTATION.tutorial,
    follows: CAUSES,
    judgeEndpoint: looked(({ markerFound, failure }, { spec }, side) => {
      if (spec[side].marker === undefined) return null;
      const evidence = { marker: spec[side].marker };
      if (failure !== null || markerFound === null)
        return unknown(`the ${side} endpoint gave no answer to look into`, evidence);
      return markerFound
        ? pass(`the ${side} endpoint carries its marker`, evidence)
        : warn(`the ${side} endpoint's answer lacks its marker, ${saidOf(spec[side].marker)}`, evidence);
    }),
  },
];
