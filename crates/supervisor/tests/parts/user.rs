//! Running as another user, which only root may do.

use segue_supervisor::keeper::User;
use segue_supervisor::keeper::{Launch, Status};

use super::{Place, line, said, shell};

#[tokio::test]
async fn the_application_gets_the_users_rights_and_groups_and_the_keeper_keeps_its_own() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can run an application as another user");
        return;
    }
    let place = Place::new();
    let user =
        User { name: "nobody".to_owned(), uid: 65534, gid: 65533, groups: vec![65533, 50, 7], home: None };
    let script = "id -u; id -g; id -G; grep -E '^(Cap(Eff|Prm)|Uid)' /proc/self/status; sleep 0.2; exit 0";
    let launch = Launch { user: Some(user), ..shell("a-1", script) };
    let instance = place.try_spawn(&launch).await.expect("spawns");
    line(&instance, |line| line == "65534").await;
    let keeper = Status::read(instance.dir()).expect("reads").expect("is there").keeper;
    let status = std::fs::read_to_string(format!("/proc/{}/status", keeper.pid)).expect("the keeper runs");
    assert!(status.contains("Uid:\t0\t0\t0\t0"), "{status}");
    let said = said(&instance).await;
    assert_eq!(said[..2], ["65534", "65533"]);
    let mut groups: Vec<&str> = said[2].split(' ').collect();
    groups.sort_unstable();
    assert_eq!(groups, ["50", "65533", "7"]);
    assert_eq!(said[3], "Uid:\t65534\t65534\t65534\t65534");
    assert!(said[4..].iter().all(|line| line.ends_with("0000000000000000")), "{said:?}");
}
