//! What is refused is one workload's: it stays byte for byte, and the rest goes on.

use super::*;
use crate::inject::Fate;

/// Deployment `web` under another name, label and all.
fn named(name: &str, web: &Web) -> String {
    web.yaml()
        .replace("name: web\nspec", &format!("name: {name}\nspec"))
        .replace("app: web", &format!("app: {name}"))
}

fn recreate(name: &str) -> String {
    named(name, &Web { own: "strategy: {type: Recreate}", container: HTTP, ..Web::default() })
}

/// With a label that several workloads have.
fn tier(text: &str) -> String {
    text.replace("labels: {app: ", "labels: {tier: front, app: ")
}

fn joined(documents: &[String]) -> String {
    documents.join("---\n")
}

/// The lines of one document.
fn document(text: &str, index: usize) -> &str {
    text.split("---\n").nth(index).unwrap()
}

/// Each workload and what became of it; of what was refused the first reason.
fn fates(outcome: &Outcome) -> Vec<String> {
    let fate = |fate: &Fate| match fate {
        Fate::Injected => "injected".to_owned(),
        Fate::TakenOut => "taken out".to_owned(),
        Fate::LeftAlone => "left alone".to_owned(),
        Fate::Refused(why) => format!("refused: {}", why[0].message),
    };
    outcome.workloads.iter().map(|one| format!("{} {}", one.object, fate(&one.fate))).collect()
}

#[test]
fn one_recreate_among_forty_is_left_byte_by_byte_and_the_rest_is_injected() {
    let mut documents: Vec<String> = (0..39)
        .map(|number| named(&format!("web-{number}"), &Web { container: HTTP, ..Web::default() }))
        .collect();
    documents.insert(17, recreate("db"));
    let text = joined(&documents);
    let outcome = with(&text, &guarded()).unwrap();
    let after = outcome.texts.concat();
    for (index, before) in documents.iter().enumerate() {
        let same = document(&after, index) == before.as_str();
        assert_eq!(same, index == 17, "{index}");
    }
    assert_eq!((outcome.objects, outcome.changed), (40, 39));
    let fates = fates(&outcome);
    assert_eq!(fates[16], "Deployment web-16 injected");
    assert!(
        fates[17].starts_with("Deployment db refused: Deployment db: strategy Recreate stops every pod"),
        "{fates:?}"
    );
    assert_eq!(fates.iter().filter(|fate| fate.ends_with(" injected")).count(), 39);
    assert!(
        !outcome.notes.iter().any(|note| note.object.as_deref() == Some("Deployment db")),
        "{:?}",
        outcome.notes
    );
    assert_eq!(undone(&after).texts.concat(), text);
    assert_eq!(with(&after, &guarded()).unwrap().texts.concat(), after);
}

#[test]
fn whatever_is_refused_of_one_workload_is_that_workloads() {
    let of = |web: Web| named("odd", &web);
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let hook = |hook: &str| leak(format!("{HTTP}\nlifecycle: {{preStop: {{{hook}}}}}"));
    for odd in
        [
            of(Web { pod: "os: {name: windows}", ..Web::default() }),
            of(Web { pod: "initContainers:\n- {name: segue-agent, image: other}", ..Web::default() }),
            of(Web { pod: "- {name: segue-agent, image: other}", ..Web::default() }),
            of(Web { pod: "volumes:\n- {name: segue, emptyDir: {}}", ..Web::default() }),
            of(Web { container: "volumeMounts:\n- {name: x, mountPath: /segue/}", ..Web::default() }),
            of(Web { container: hook("tcpSocket: {port: 1}"), ..Web::default() }),
            of(Web { container: hook("httpGet: {port: 1, scheme: HTTPS}"), ..Web::default() }),
            of(Web { container: hook("httpGet: {port: 1, host: example.com}"), ..Web::default() }),
            of(Web { container: hook("httpGet: {port: other}"), ..Web::default() }),
            of(Web { container: hook("exec: {command: [/segue/segue-agent, hook]}"), ..Web::default() }),
            of(Web {
                kind: Some("StatefulSet"),
                own: "volumeClaimTemplates: [{metadata: {name: segue-state}}]",
                ..Web::default()
            }),
            // Its template can't be edited without touching what stands elsewhere too.
            of(Web::default())
                .replace("labels: {app: odd}", "labels: &labels {app: odd}\n      annotations: *labels"),
            // What an earlier injection replaced can't be read any more, or does not fit.
            Injected::of(&named("odd", &Web { container: HTTP, ..Web::default() }), &guarded())
                .text
                .replacen("{\"schema\":1,", "{", 1),
        ]
    {
        let web = Web { container: HTTP, ..Web::default() }.yaml();
        let text = format!("{web}---\n{odd}---\n{NAMED}");
        let outcome = with(&text, &guarded()).unwrap_or_else(|refused| panic!("{refused}\n{odd}"));
        let after = outcome.texts.concat();
        assert_eq!(document(&after, 1), odd);
        assert!(document(&after, 0).contains("containerPort: 15080"), "{after}");
        let fates = fates(&outcome);
        assert_eq!(fates[0], "Deployment web injected");
        assert!(fates[1].contains(" odd refused: "), "{fates:?}");
        // Alone it is all there is.
        assert!(with(&odd, &guarded()).is_err(), "{odd}");
    }
}

#[test]
fn what_can_not_be_read_or_is_of_another_cluster_stays_an_error_for_all() {
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let misshapen =
        named("odd", &Web { container: "ports:\n- {name: http, containerPort: many}", ..Web::default() });
    let old = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n".to_owned();
    for other in [misshapen, old] {
        assert!(with(&joined(&[web.clone(), other]), &guarded()).is_err());
    }
}

#[test]
fn every_reason_of_every_workload_is_told_in_the_order_of_the_files() {
    let odd = named(
        "odd",
        &Web { pod: "os: {name: windows}", own: "strategy: {type: Recreate}", ..Web::default() },
    );
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: j, image: j}]}}}\n";
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let outcome = with(&joined(&[recreate("z"), job.to_owned(), web, odd]), &guarded()).unwrap();
    let objects: Vec<_> = outcome.workloads.iter().map(|one| one.object.as_str()).collect();
    assert_eq!(objects, ["Deployment z", "Job j", "Deployment web", "Deployment odd"]);
    assert!(matches!(&outcome.workloads[3].fate, Fate::Refused(why) if why.len() == 2));
    assert_eq!(fates(&outcome)[1], "Job j left alone");
    assert_eq!(outcome.refused().count(), 3, "each reason");
}

const POLICY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}, ingress: [{ports: [{port: 8080}]}]}\n";

#[test]
fn an_injected_workload_that_is_refused_now_stays_injected_with_what_stands_around_it() {
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let other = named("other", &Web { container: HTTP, ..Web::default() });
    let services = format!("{NAMED}---\n{}", NAMED.replace("web", "other"));
    let once = Injected::of(&joined(&[web, other, POLICY.to_owned(), services]), &guarded()).text;
    let changed = once.replacen("    rollingUpdate:\n      maxUnavailable: 0\n", "    type: Recreate\n", 1);
    // Without the guard nobody else needs its number.
    let outcome = with(&changed, &Options::default()).unwrap();
    let after = outcome.texts.concat();
    assert_eq!(document(&after, 0), document(&changed, 0));
    assert!(document(&after, 1).contains("containerPort: 8080"), "{after}");
    assert!(document(&after, 2).contains("port: 15080"), "its guard is let through: {after}");
    assert!(
        !outcome.notes.iter().any(|note| note.object.as_deref() == Some("NetworkPolicy p")),
        "{:?}",
        outcome.notes
    );
    // Once that is over, all of it can be taken out.
    let back = undone(&after.replacen("  strategy:\n    type: Recreate\n", "", 1)).texts.concat();
    assert!(!back.contains("15080") && !back.contains("segue"), "{back}");
}

#[test]
fn a_service_of_a_refused_workload_is_not_sent_to_a_guard() {
    let numeric = |name: &str| NUMERIC.replace("web", name);
    let both = NUMERIC.replace("{name: web}", "{name: both}").replace("{app: web}", "{tier: front}");
    let web = tier(&Web { container: HTTP, ..Web::default() }.yaml());
    let text = joined(&[web, tier(&recreate("db")), numeric("web"), numeric("db"), both.clone()]);
    let second = Options { second_step: true, ..guarded() };
    let outcome = with(&text, &second).unwrap();
    let after = outcome.texts.concat();
    assert!(document(&after, 2).contains("targetPort: 15080"), "{after}");
    assert_eq!(document(&after, 3), numeric("db"), "its only workload was refused");
    assert_eq!(document(&after, 4), both, "one of its workloads has no guard");
    let fates = fates(&outcome);
    assert_eq!(fates[0], "Deployment web injected");
    assert!(fates[1].starts_with("Deployment db refused"), "{fates:?}");
    assert!(
        fates[2]
            .starts_with("Service both refused: Service both: the workloads behind it have different guards")
    );
    assert_eq!(fates.len(), 3);
    let again = with(&after, &second).unwrap();
    assert_eq!(again.texts.concat(), after, "twice is once");
}

#[test]
fn a_second_step_after_the_first_goes_on_beside_what_is_refused() {
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let first = with(&joined(&[web, recreate("db"), NAMED.to_owned()]), &guarded()).unwrap().texts.concat();
    let outcome = with(&first, &Options { second_step: true, ..guarded() }).unwrap();
    assert_eq!(outcome.texts.concat(), first, "nothing is left to do");
    assert_eq!(fates(&outcome)[0], "Deployment web injected");
    assert!(fates(&outcome)[1].starts_with("Deployment db refused"), "{:?}", fates(&outcome));
}

#[test]
fn a_service_that_names_its_port_is_no_matter_of_the_second_step() {
    let service = NAMED.replace("{app: web}", "{tier: front}");
    let web = tier(&Web { container: HTTP, ..Web::default() }.yaml());
    let text = joined(&[web, tier(&recreate("db")), service.clone(), NUMERIC.to_owned()]);
    let outcome = with(&text, &Options { second_step: true, ..guarded() }).unwrap();
    assert_eq!(document(&outcome.texts.concat(), 2), service);
    assert!(document(&outcome.texts.concat(), 3).contains("targetPort: 15080"));
    assert_eq!(fates(&outcome).len(), 2, "{:?}", fates(&outcome));
}

#[test]
fn guards_need_to_agree_only_on_the_ports_that_a_service_sends_to() {
    let service = NUMERIC.replace("{app: web}", "{tier: front}");
    let web = tier(&Web { container: HTTP, ..Web::default() }.yaml());
    let two = "ports:\n- {name: http, containerPort: 8080}\n- {name: admin, containerPort: 9000}";
    let other = tier(&named("other", &Web { container: two, ..Web::default() }));
    let admin = NUMERIC.replace("web", "other").replace("8080", "9000");
    let text = joined(&[web, other, service, admin]);
    let outcome = with(&text, &Options { second_step: true, ..guarded() }).unwrap();
    let after = outcome.texts.concat();
    assert!(document(&after, 2).contains("targetPort: 15080"), "{after}");
    assert!(document(&after, 3).contains("targetPort: 15081"), "{after}");
}

#[test]
fn what_has_the_agent_and_no_record_of_it_is_told_when_undone() {
    let text = Web { container: HTTP, ..Web::default() }.yaml();
    let injected = Injected::of(&text, &guarded()).text;
    let mut lines: Vec<&str> = injected.lines().collect();
    lines.retain(|line| !line.contains("segue.dev/injected"));
    let lost = lines.join("\n") + "\n";
    let refused = undo(&streams(&lost), false).unwrap_err().0.remove(0);
    assert!(refused.message.contains("the agent is in it, but no record"), "{}", refused.message);
    let both = undo(&streams(&joined(&[lost.clone(), named("other", &Web::default())])), false);
    assert!(both.is_err(), "nothing was taken out, and something should have been");
}

#[test]
fn a_service_that_can_not_be_edited_is_left_in_the_second_step() {
    let odd = "apiVersion: v1\nkind: Service\nmetadata: {name: odd}\nspec:\n  selector: {app: web}\n  ports: &ports [{port: 80, targetPort: 8080}]\n  externalIPs: *ports\n";
    let text =
        joined(&[Web { container: HTTP, ..Web::default() }.yaml(), NUMERIC.to_owned(), odd.to_owned()]);
    let outcome = with(&text, &Options { second_step: true, ..guarded() }).unwrap();
    let after = outcome.texts.concat();
    assert!(document(&after, 1).contains("targetPort: 15080"), "{after}");
    assert_eq!(document(&after, 2), odd);
    assert!(fates(&outcome)[1].starts_with("Service odd refused"), "{:?}", fates(&outcome));
}

#[test]
fn what_services_in_their_second_step_need_is_not_undone_and_the_rest_is() {
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let other = named("other", &Web { container: HTTP, ..Web::default() });
    let text =
        joined(&[web, other.clone(), NUMERIC.to_owned(), POLICY.to_owned(), NUMERIC.replace("web", "else")]);
    let second = Injected::of(&text, &Options { second_step: true, ..guarded() }).text;
    let outcome = undo(&streams(&second), false).unwrap();
    let after = outcome.texts.concat();
    assert_eq!(document(&after, 0), document(&second, 0), "the Service sends to its guard");
    assert_eq!(document(&after, 1), other);
    assert_eq!(document(&after, 2), document(&second, 2));
    assert!(document(&after, 3).contains("port: 15080"), "its guard is let through: {after}");
    let told = fates(&outcome);
    assert!(
        told[0].starts_with("Deployment web refused: Service web: it sends to the guard by number"),
        "{told:?}"
    );
    assert_eq!(told[1], "Deployment other taken out");
    let first = undo(&streams(&after), true).unwrap().texts.concat();
    assert_eq!(undone(&first).texts.concat(), text);
}

#[test]
fn a_record_that_can_not_be_read_keeps_its_object_alone_from_being_undone() {
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let other = named("other", &Web { container: HTTP, ..Web::default() });
    let injected = Injected::of(&joined(&[other.clone(), web]), &guarded()).text;
    let record = injected.rfind(r#"{"schema":1,"undo""#).unwrap();
    let own = injected.rfind(r#",{"at":["metadata","annotations","segue.dev/injected"]"#).unwrap();
    let end = own + injected[own..].find("]}'").unwrap();
    for (from, to, new) in [(record, record + 12, "{"), (own, end, "")] {
        let torn = format!("{}{new}{}", &injected[..from], &injected[to..]);
        let outcome = undo(&streams(&torn), false).unwrap_or_else(|refused| panic!("{refused}"));
        let after = outcome.texts.concat();
        assert_eq!(document(&after, 0), other);
        assert_eq!(document(&after, 1), document(&torn, 1));
        assert!(
            fates(&outcome)[1].starts_with("Deployment web refused: Deployment web: its record"),
            "{:?}",
            fates(&outcome)
        );
    }
}
