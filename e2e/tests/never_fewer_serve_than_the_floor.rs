//! All through a deploy, as many serve as must, and no more run than may.

use segue_e2e::carried::Overloaded;
use segue_e2e::{Sample, Service, Told, under_load};

#[test]
fn with_one_surge_all_serve() {
    watch_a_deploy(1, 0);
}

#[test]
fn with_a_surge_of_all_all_serve() {
    watch_a_deploy(3, 0);
}

#[test]
fn without_surge_as_many_serve_as_unavailable_allows() {
    watch_a_deploy(0, 1);
}

/// Two witnesses: what Segue says of itself, and what the kernel says runs.
#[track_caller]
fn watch_a_deploy(surge: u32, unavailable: u32) {
    under_load(|share| {
        let sample =
            Sample { flags: &["--rude", "--start-delay", "2s"], surge, unavailable, ..Sample::default() };
        let (floor, most) = ((sample.replicas - unavailable) as usize, (sample.replicas + surge) as usize);
        let service = Service::start(&sample);
        let load = share.brisk(service.listen);

        let mut deploy = service.begin_deploy(&Sample { version: "v2", ..sample });
        let (mut looks, mut fewest, mut highest) = (0, usize::MAX, 0);
        while deploy.status().is_none() {
            let status = service.status();
            let serving: usize = status.serving().values().sum();
            assert!(serving >= floor, "{serving} serve, {floor} must: {:#}", status.0);
            assert_eq!(status.0["serving"].as_u64(), Some(serving as u64), "{:#}", status.0);
            let running = service.place.instances();
            assert!(running.len() <= most, "{most} may run: {running:#?}");
            looks += usize::from(status.deploying());
            fewest = fewest.min(serving);
            highest = highest.max(running.len());
        }
        deploy.ended().assert_code(0);
        service.assert_settled("v2", 3);
        load.end()?.assert_no_drops();

        if looks <= 5 {
            return Err(Overloaded(format!("only {looks} looks at the deploy")));
        }
        // It uses the room that it was given, in both directions.
        assert!(highest > sample.replicas as usize || surge == 0, "at most {highest} ran");
        assert!(fewest < sample.replicas as usize || unavailable == 0, "at the least {fewest} served");
        Ok(())
    });
}
