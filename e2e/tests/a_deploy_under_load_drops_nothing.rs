//! Every kind of client at once, and not one of them notices a deploy.

use rustix::process::Signal;
use segue_e2e::{Sample, Service, Told, under_load};

/// The claim stands beside a recipe that is seen to drop: the same rude instances under the same load, each stopped
/// when its predecessor's replacement serves.
#[test]
fn a_deploy_drops_nothing_where_stopping_one_after_the_other_does() {
    under_load(|share| {
        let service = Service::start(&Sample::default());
        let load = share.mixed(service.listen);
        service.deploy(&Sample { version: "v2", ..Sample::default() }).assert_code(0);
        load.more(100);
        let result = load.end()?;
        result.assert_no_drops();
        for version in ["v1", "v2"] {
            assert!(result.answered_by(version) > 0, "{version}: {:?}", result.ledger.versions());
        }
        service.assert_settled("v2", 3);

        let load = share.mixed(service.listen);
        for old in service.place.instances() {
            old.signal(Signal::TERM);
            service.until("another serves in its place", |status| {
                status.settled("v2", 3) && status.instances().iter().all(|instance| instance.pid() != old.pid)
            });
        }
        let result = load.end()?;
        assert!(result.dropped() > 0, "nothing was dropped of {}", result.ledger.requests());
        Ok(())
    });
}

/// Polite instances close their connections themselves once they are told to stop: then nothing may be left on them.
#[test]
fn polite_instances_are_replaced_without_a_drop_too() {
    under_load(|share| {
        let polite = Sample { flags: &["--polite"], replicas: 2, ..Sample::default() };
        let service = Service::start(&polite);
        let load = share.mixed(service.listen);
        service.deploy(&Sample { version: "v2", ..polite }).assert_code(0);
        service.deploy(&Sample { version: "v3", ..polite }).assert_code(0);
        load.more(50);
        load.end()?.assert_no_drops();
        service.assert_settled("v3", 2);
        Ok(())
    });
}
