// API-FACTS 8: the subscription by which Load Balancing can be told to be enabled.
import type { Profile } from "./plans.ts";
import type { State } from "./state.ts";

export function seedSubscription(state: State, profile: Profile): void {
  if (profile === "none") return;
  const { limits } = state;
  const id = "50000000000000000000000000000001";
  state.subscriptions.set(id, {
    id,
    rate_plan: {
      id: profile === "enterprise" ? "load_balancing_ent" : "load_balancing_basic",
      public_name: "Load Balancing",
    },
    state: "Paid",
    component_values: [
      { name: "load_balancing_load_balancers", value: limits.loadBalancers },
      { name: "load_balancing_pools", value: limits.pools },
      { name: "load_balancing_origins", value: limits.origins },
      { name: "load_balancing_monitor_interval", value: limits.minimumInterval },
      { name: "load_balancing_probe_regions", value: limits.regions },
    ],
  });
}
