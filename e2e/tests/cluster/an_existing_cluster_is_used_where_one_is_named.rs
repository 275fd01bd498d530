//! With `SEGUE_E2E_KUBECONFIG` the promises run on that cluster, as far as they can, and no other is brought up.

use std::process::Command;

use segue_cluster::KUBECONFIG;

use crate::TestBed;

pub(crate) fn holds(bed: &TestBed) {
    let api = bed.api();
    let system = api.get(["namespace", "kube-system"]).unwrap();
    let uid = system["metadata"]["uid"].as_str().unwrap();
    let promises = |kubeconfig: &std::ffi::OsStr| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["the_api_answers", "nothing_is_left_after_down"])
            .env(KUBECONFIG, kubeconfig)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let (succeeded, said) = promises(api.kubeconfig().as_os_str());
    assert!(succeeded, "{said}");
    assert!(said.contains(&format!("the cluster is {uid}")), "{said}");
    assert!(said.contains("1 passed; 0 failed; 1 ignored;"), "{said}");

    let (succeeded, said) = promises("/nowhere/kubeconfig".as_ref());
    assert!(!succeeded && said.contains("there is no such file"), "{said}");
}
