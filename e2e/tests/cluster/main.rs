//! Promises held on a real Kubernetes cluster: one module each, its name says which. All of them share one cluster
//! ([`Bed`]), brought up by the first that needs it.
//!
//! With `SEGUE_E2E_KUBECONFIG` they run on that cluster instead, as far as they need nothing but its API server.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod bed;
mod harness;
mod injected;
mod load;
mod said;
mod sample;

mod a_containers_own_hook_runs_after_the_drain;
mod a_deadline_is_told_and_counts_what_it_cuts;
mod a_hook_finishes_what_its_killed_agent_began;
mod a_pod_that_was_only_restarted_serves_again;
mod a_pod_whose_agent_was_killed_is_not_ready_until_it_is_back;
mod a_restarted_kubelet_joins_the_drain;
mod above_the_limit_idle_connections_make_room;
mod an_existing_cluster_is_used_where_one_is_named;
mod drains_finish_without_the_control_plane;
mod kube_proxy_writes_nftables_where_asked;
mod nothing_is_left_after_down;
mod nothing_is_left_of_a_killed_owner_after_a_sweep;
mod the_api_answers;
mod the_cluster_carries_every_kind_of_traffic;
mod the_control_plane_can_go_and_come_back;
mod the_stand_in_load_balancer_is_as_late_as_it_is_told;
mod two_clusters_live_side_by_side;
mod two_thousand_idle_connections_are_closed_politely;
mod what_is_done_to_a_container_happens;

use bed::Bed;
use harness::Promise;

/// A promise by its module, with what it needs of the cluster.
macro_rules! promises {
    ($($needs:ident: $module:ident),* $(,)?) => {
        &[$(Promise { name: stringify!($module), needs: harness::Needs::$needs, holds: $module::holds }),*]
    };
}

const PROMISES: &[Promise<Bed>] = promises![
    ApiOnly: the_api_answers,
    Nodes: the_cluster_carries_every_kind_of_traffic,
    Nodes: what_is_done_to_a_container_happens,
    Nodes: the_control_plane_can_go_and_come_back,
    Nodes: the_stand_in_load_balancer_is_as_late_as_it_is_told,
    Nodes: an_existing_cluster_is_used_where_one_is_named,
    Nodes: two_clusters_live_side_by_side,
    Nodes: kube_proxy_writes_nftables_where_asked,
    Nodes: nothing_is_left_after_down,
    Nodes: nothing_is_left_of_a_killed_owner_after_a_sweep,
    Nodes: drains_finish_without_the_control_plane,
    Nodes: a_restarted_kubelet_joins_the_drain,
    Shared: a_hook_finishes_what_its_killed_agent_began,
    Shared: a_pod_that_was_only_restarted_serves_again,
    Shared: a_pod_whose_agent_was_killed_is_not_ready_until_it_is_back,
    Shared: a_deadline_is_told_and_counts_what_it_cuts,
    Shared: a_containers_own_hook_runs_after_the_drain,
    Shared: two_thousand_idle_connections_are_closed_politely,
    Shared: above_the_limit_idle_connections_make_room,
];

fn main() -> std::process::ExitCode {
    if nothing_is_left_of_a_killed_owner_after_a_sweep::is_owner() {
        return nothing_is_left_of_a_killed_owner_after_a_sweep::own();
    }
    harness::main(PROMISES, Bed::new)
}
