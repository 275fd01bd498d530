//! `segue demo`, really run, in its short form. A program of its own, so that cargo runs it after the others.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use segue_e2e::running::Running;
use segue_e2e::{Place, Role, segue, wait};

/// The short form takes about half a minute; this is for machines that have other things to do.
const PATIENCE: Duration = Duration::from_mins(4);

fn demo(place: &Place, arguments: &[&str]) -> Running {
    let mut command = Command::new(segue());
    command
        .args(["demo", "--quick"])
        .args(arguments)
        .current_dir(place.folder())
        .env("TMPDIR", place.folder());
    Running::start_command(place.folder(), command)
}

/// What is left in the folder that temporary folders are made in.
fn left_behind(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.folder()).expect("the place can be listed").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("segue-demo-")).collect()
}

fn samples(place: &Place) -> usize {
    place.processes().iter().filter(|process| process.arguments.iter().any(|word| word == "sample")).count()
}

fn keepers(place: &Place) -> usize {
    place.processes().iter().filter(|process| process.role == Role::Keeper).count()
}

#[test]
fn the_usual_recipes_drop_requests_and_segue_drops_none() {
    let place = Place::new();
    let ended = demo(&place, &["-o", "json", "--plot", "plot.svg"]).ended_within(PATIENCE);
    let result = ended.json();
    assert_eq!(result["schema"], 1);

    let recipes = result["recipes"].as_array().expect("recipes");
    let names: Vec<&str> = recipes.iter().filter_map(|recipe| recipe["name"].as_str()).collect();
    assert_eq!(names, ["stop-then-start", "rolling", "rolling-with-sleep", "segue"]);
    for recipe in recipes {
        assert!(recipe["requests"].as_u64() > Some(100), "{recipe}");
        let kinds = recipe["drops"].as_object().expect("drops by kind");
        let sum: u64 = kinds.values().filter_map(serde_json::Value::as_u64).sum();
        assert_eq!(recipe["dropped"].as_u64(), Some(sum), "{recipe}");
        assert!(recipe["seconds"].as_f64() > recipe["seconds_per_instance"].as_f64(), "{recipe}");
    }
    assert_eq!(recipes[3]["dropped"], 0, "{result}\n{}", ended.stderr);
    for recipe in &recipes[..2] {
        assert!(recipe["dropped"].as_u64() > Some(0), "{recipe}");
    }

    // However busy the machine is: that is said, and is no failure.
    ended.assert_code(0);
    for recipe in recipes {
        let said = ended.stderr.matches("so it is measured again").count() > 0;
        assert!(said || recipe["tries"] == 1, "{recipe}: {}", ended.stderr);
        assert!(recipe["valid"] == true || recipe["tries"] == 3, "{recipe}: {}", ended.stderr);
    }

    let plot = std::fs::read_to_string(place.folder().join("plot.svg")).expect("the plot");
    assert!(plot.starts_with("<svg") && plot.trim_end().ends_with("</svg>"), "{plot}");
    assert_eq!(left_behind(&place), Vec::<String>::new());
    place.until_nothing_runs();
}

/// The load comes from the demo's own process, and the kernel lets that run only now and then; the instances and `segue up`
/// are processes of their own.
#[test]
fn a_demo_that_is_starved_measures_again_says_so_and_is_no_failure() {
    let place = Place::new();
    let mut demo = demo(&place, &["-o", "json"]);
    wait::until("it has measured the first recipe twice in vain", PATIENCE, || {
        demo.assert_running();
        demo.signal(Signal::STOP);
        wait::pass(Duration::from_millis(60));
        demo.signal(Signal::CONT);
        wait::pass(Duration::from_millis(100));
        let said = demo.stderr();
        if said.contains("measured again, now under 100 requests/s") { Ok(()) } else { Err(said) }
    });
    let ended = demo.ended_within(PATIENCE);
    ended.assert_code(0);
    ended.assert_says(&[
        "stop, then start: this machine is too busy to send on time (the probe itself was late",
    ]);
    let first = &ended.json()["recipes"][0];
    assert_eq!((&first["tries"], first["rate"].as_f64()), (&3.into(), Some(100.0)), "{first}");
    place.until_nothing_runs();
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    type Reached = fn(&Place) -> bool;
    let moments: [(&str, Signal, Reached); 3] = [
        ("the first recipe's instances run", Signal::INT, |place| samples(place) > 0),
        ("the first recipe's instances run", Signal::HUP, |place| samples(place) > 0),
        ("segue's own instances run", Signal::TERM, |place| keepers(place) > 0),
    ];
    for (moment, signal, reached) in moments {
        let place = Place::new();
        let mut demo = demo(&place, &[]);
        wait::until(moment, PATIENCE, || {
            demo.assert_running();
            if reached(&place) { Ok(()) } else { Err(demo.stderr()) }
        });
        demo.signal(signal);
        let ended = demo.ended_within(PATIENCE);
        ended.assert_code(1);
        assert_eq!(left_behind(&place), Vec::<String>::new());
        place.until_nothing_runs();
    }
}

#[test]
fn a_plot_that_cannot_be_written_is_told_before_anything_runs() {
    let place = Place::new();
    let ended = demo(&place, &["--plot", "no-such-folder/plot.svg"]).ended();
    ended.assert_code(2);
    assert!(ended.stderr.contains("no-such-folder/plot.svg"), "{}", ended.stderr);
}
