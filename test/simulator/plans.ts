// API-FACTS 8: what each plan allows.

export type Profile = "none" | "pro" | "business" | "enterprise";

export interface Limits {
  loadBalancing: boolean;
  loadBalancers: number;
  pools: number;
  monitors: number;
  origins: number;
  originsPerPool: number;
  minimumInterval: number;
  maximumInterval: number;
  regions: number;
  allRegions: boolean;
  monitorGroups: boolean;
}

const SUBSCRIBED: Limits = {
  loadBalancing: true,
  loadBalancers: 20,
  pools: 20,
  monitors: 30,
  origins: 20,
  originsPerPool: 20,
  minimumInterval: 60,
  maximumInterval: 3600,
  regions: 1,
  allRegions: false,
  monitorGroups: false,
};

const LIMITS: Record<Profile, Limits> = {
  none: {
    ...SUBSCRIBED,
    loadBalancing: false,
    loadBalancers: 0,
    pools: 0,
    monitors: 0,
    origins: 0,
    originsPerPool: 0,
    minimumInterval: 0,
    maximumInterval: 0,
    regions: 0,
  },
  pro: SUBSCRIBED,
  business: { ...SUBSCRIBED, minimumInterval: 15, regions: 4 },
  enterprise: {
    ...SUBSCRIBED,
    loadBalancers: 1000,
    pools: 2000,
    monitors: 3000,
    origins: 4000,
    originsPerPool: 100,
    minimumInterval: 10,
    regions: 13,
    allRegions: true,
    monitorGroups: true,
  },
};

export function limitsOf(profile: Profile): Limits {
  return { ...LIMITS[profile] };
}

export const REGIONS: Record<string, string> = {
  WNAM: "Western North America",
  ENAM: "Eastern North America",
  WEU: "Western Europe",
  EEU: "Eastern Europe",
  NSAM: "Northern South America",
  SSAM: "Southern South America",
  OC: "Oceania",
  ME: "Middle East",
  NAF: "Northern Africa",
  SAF: "Southern Africa",
  SAS: "Southern Asia",
  SEAS: "South East Asia",
  NEAS: "North East Asia",
};

/** API-FACTS 10: each region probes from three data centres. */
export const PLACES: Record<string, readonly [string, string, string]> = {
  WNAM: ["Los Angeles, CA, US", "San Jose, CA, US", "Seattle, WA, US"],
  ENAM: ["Newark, NJ, US", "Ashburn, VA, US", "Chicago, IL, US"],
  WEU: ["Amsterdam, NL", "Frankfurt, DE", "London, GB"],
  EEU: ["Warsaw, PL", "Vienna, AT", "Bucharest, RO"],
  NSAM: ["Bogota, CO", "Quito, EC", "Lima, PE"],
  SSAM: ["Sao Paulo, BR", "Santiago, CL", "Buenos Aires, AR"],
  OC: ["Sydney, AU", "Melbourne, AU", "Auckland, NZ"],
  ME: ["Dubai, AE", "Doha, QA", "Muscat, OM"],
  NAF: ["Cairo, EG", "Tunis, TN", "Casablanca, MA"],
  SAF: ["Johannesburg, ZA", "Cape Town, ZA", "Durban, ZA"],
  SAS: ["Mumbai, IN", "Chennai, IN", "Colombo, LK"],
  SEAS: ["Singapore, SG", "Jakarta, ID", "Manila, PH"],
  NEAS: ["Tokyo, JP", "Osaka, JP", "Seoul, KR"],
};

/** null = every data centre. */
export function regionsOf(checkRegions: string[] | null): string[] {
  if (checkRegions === null || checkRegions.length === 0 || checkRegions.includes("ALL_REGIONS")) {
    return Object.keys(PLACES);
  }
  return checkRegions.filter((region) => region in PLACES);
}
