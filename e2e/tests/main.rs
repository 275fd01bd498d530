//! Promises held against real processes under real load: one module each, its name says which; all of them in one program,
//! so that they link once.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod a_broken_spec_is_told_with_its_place;
mod a_client_that_leaves_decides_nothing;
mod a_deploy_returns_when_the_last_old_instance_is_gone;
mod a_deploy_under_load_drops_nothing;
mod a_drain_finishes_what_is_in_flight;
mod a_drain_has_a_deadline;
mod a_failed_deploy_goes_back_by_itself;
mod a_foreign_process_is_never_signalled;
mod a_full_disk_does_not_stop_the_service;
mod a_program_that_goes_into_the_background_is_told_as_one;
mod a_rollback_goes_to_the_last_good_version;
mod a_script_can_rely_on_what_is_said;
mod a_signal_to_up_means_down;
mod a_websocket_is_told_to_go_between_two_messages;
mod an_instance_that_ends_is_replaced;
mod an_instance_that_will_not_stop_is_killed;
mod clients_cannot_take_every_descriptor;
mod deploys_come_one_at_a_time;
mod every_key_of_the_spec_has_its_effect;
mod never_fewer_serve_than_the_floor;
mod no_line_is_lost;
mod nobody_need_read_what_up_says;
mod real_servers_are_upgraded_without_a_drop;
mod requests_that_a_kill_cuts_are_counted;
mod the_control_socket_is_private;
mod the_docs_of_one_machine_are_so;
mod up_refuses_what_is_not_its_own;
mod what_a_killed_up_left_is_taken_over;
mod what_runs_is_known_without_the_state;
mod what_up_was_started_with_stays_with_it;
mod without_file_descriptors_it_goes_on;
