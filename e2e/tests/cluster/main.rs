//! Promises held on a real Kubernetes cluster: one module each, its name says which. All of them share one cluster
//! ([`TestBed`]), brought up by the first that needs it.
//!
//! With `SEGUE_E2E_KUBECONFIG` they run on that cluster instead, as far as they need nothing but its API server.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod halted;
mod harness;
mod injected;
mod load;
mod said;
mod sample;
mod test_bed;
mod udp;

mod a_client_that_never_leaves_holds_no_drain_up;
mod a_containers_own_hook_runs_after_the_drain;
mod a_deadline_is_told_and_counts_what_it_cuts;
mod a_drain_of_100_seconds_is_finished;
mod a_halted_kube_proxy_loses_nothing_in_a_rolling_replacement;
mod a_hook_finishes_what_its_killed_agent_began;
mod a_hurried_delete_is_told_with_what_it_cut;
mod a_killed_agents_drain_ends_when_it_would_have_ended;
mod a_node_is_drained_without_a_drop;
mod a_pod_that_may_not_redirect_does_not_start;
mod a_pod_that_was_only_restarted_serves_again;
mod a_pod_whose_agent_was_killed_is_not_ready_until_it_is_back;
mod a_pod_whose_readiness_flaps_is_not_drained;
mod a_restart_under_load_ends_within_its_bounds;
mod a_restarted_kubelet_joins_the_drain;
mod a_rollout_without_the_agents_image_leaves_the_old_pods;
mod above_the_limit_idle_connections_make_room;
mod agents_of_two_images_live_side_by_side;
mod an_agent_out_of_memory_comes_back;
mod an_agent_whose_port_is_taken_waits_for_it;
mod an_application_goes_over_to_the_redirect_and_back;
mod an_existing_cluster_is_used_where_one_is_named;
mod an_upgrade_behind_a_service_drops_nothing;
mod applications_of_other_languages_are_upgraded;
mod behind_node_ports_the_join_of_a_kube_proxy_counts;
mod drains_finish_without_the_control_plane;
mod from_within_its_pod_the_application_is_reached_past_the_guard;
mod kube_proxy_writes_nftables_where_asked;
mod no_node_uses_what_is_another_nodes;
mod nobody_else_can_drain_a_pod;
mod nothing_is_left_after_down;
mod nothing_is_left_of_a_killed_owner_after_a_sweep;
mod probes_of_a_redirected_pod_see_what_they_saw;
mod the_api_answers;
mod the_cluster_carries_every_kind_of_traffic;
mod the_control_plane_can_go_and_come_back;
mod the_stand_in_load_balancer_is_as_late_as_it_is_told;
mod two_clusters_live_side_by_side;
mod two_thousand_idle_connections_are_closed_politely;
mod what_is_done_to_a_container_happens;

use harness::Test;
use test_bed::TestBed;

/// A promise by its module, with what it needs of the cluster.
macro_rules! tests {
    ($($needs:ident: $module:ident),* $(,)?) => {
        &[$(Test { name: stringify!($module), needs: harness::Needs::$needs, holds: $module::holds }),*]
    };
}

const TESTS: &[Test<TestBed>] = tests![
    ApiOnly: the_api_answers,
    Nodes: the_cluster_carries_every_kind_of_traffic,
    Nodes: what_is_done_to_a_container_happens,
    Nodes: an_upgrade_behind_a_service_drops_nothing,
    Nodes: an_application_goes_over_to_the_redirect_and_back,
    Nodes: the_control_plane_can_go_and_come_back,
    Nodes: the_stand_in_load_balancer_is_as_late_as_it_is_told,
    Nodes: an_existing_cluster_is_used_where_one_is_named,
    Nodes: no_node_uses_what_is_another_nodes,
    Nodes: two_clusters_live_side_by_side,
    Nodes: kube_proxy_writes_nftables_where_asked,
    Nodes: nothing_is_left_after_down,
    Nodes: nothing_is_left_of_a_killed_owner_after_a_sweep,
    Nodes: drains_finish_without_the_control_plane,
    Nodes: a_restarted_kubelet_joins_the_drain,
    Nodes: a_node_is_drained_without_a_drop,
    Nodes: a_halted_kube_proxy_loses_nothing_in_a_rolling_replacement,
    Nodes: behind_node_ports_the_join_of_a_kube_proxy_counts,
    Shared: a_drain_of_100_seconds_is_finished,
    Shared: agents_of_two_images_live_side_by_side,
    Shared: applications_of_other_languages_are_upgraded,
    Shared: a_hook_finishes_what_its_killed_agent_began,
    Shared: a_killed_agents_drain_ends_when_it_would_have_ended,
    Shared: a_pod_that_may_not_redirect_does_not_start,
    Shared: probes_of_a_redirected_pod_see_what_they_saw,
    Shared: from_within_its_pod_the_application_is_reached_past_the_guard,
    Shared: a_pod_that_was_only_restarted_serves_again,
    Shared: a_pod_whose_agent_was_killed_is_not_ready_until_it_is_back,
    Shared: a_deadline_is_told_and_counts_what_it_cuts,
    Shared: a_containers_own_hook_runs_after_the_drain,
    Shared: two_thousand_idle_connections_are_closed_politely,
    Shared: above_the_limit_idle_connections_make_room,
    Shared: a_client_that_never_leaves_holds_no_drain_up,
    Shared: a_hurried_delete_is_told_with_what_it_cut,
    Shared: a_pod_whose_readiness_flaps_is_not_drained,
    Shared: a_restart_under_load_ends_within_its_bounds,
    Shared: a_rollout_without_the_agents_image_leaves_the_old_pods,
    Shared: an_agent_out_of_memory_comes_back,
    Shared: an_agent_whose_port_is_taken_waits_for_it,
    Shared: nobody_else_can_drain_a_pod,
];

fn main() -> std::process::ExitCode {
    if nothing_is_left_of_a_killed_owner_after_a_sweep::is_owner() {
        return nothing_is_left_of_a_killed_owner_after_a_sweep::own();
    }
    harness::main(TESTS, TestBed::new)
}
