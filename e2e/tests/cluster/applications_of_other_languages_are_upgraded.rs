//! Programs that know nothing of Segue, one in Node and one in Java, are upgraded under load without a drop. (What the
//! other promises run is an image of a program and its libraries alone: no shell, no user database.)
//!
//! No registry is at hand, so both run from the host's own folders in the sample program's image.

use std::path::Path;

use segue_cluster::wait::LONG;
use serde_json::{Value, json};

use crate::injected::{AGENT, Injected, SHORT, inject, sample};
use crate::said::Said;
use crate::sample::{SELECTOR, Sample, url};
use crate::{TestBed, load};

/// Ends at once when it is told to, whatever it is doing.
const NODE: &str = r"
const server = require('http').createServer((request, answer) => {
  const parts = [];
  request.on('data', part => parts.push(part));
  request.on('end', () => answer.end(Buffer.concat(parts)));
});
server.keepAliveTimeout = 600000;
server.listen(8080, '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
";

/// So does a JVM, unless something in it holds it up.
const JAVA: &str = r#"
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

class Main {
    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("0.0.0.0", 8080), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
"#;

pub(crate) fn holds(bed: &TestBed) {
    let kinds = [
        ("node", vec!["/usr/bin/node", "/app/program"], NODE),
        (
            "java",
            vec!["/usr/bin/java", "-Xmx96m", "-XX:+UseSerialGC", "--source", "11", "/app/program"],
            JAVA,
        ),
    ];
    let running = kinds.map(|(name, command, program)| {
        assert!(Path::new(command[0]).exists(), "{} is missing: let `cargo xtask ci` install it", command[0]);
        let files = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"},
            "data": {"program": program}});
        let objects = format!("{}\n---\n{files}\n", inject(&of(&command), SHORT));
        let web = Injected::applied(bed, name, &objects);
        let pod = web.api.until_ready(SELECTOR, 1).unwrap().remove(0);
        let agent = Said::by(web.cluster, &pod, AGENT);
        let url = url(&web.api, "/");
        let node = web.cluster.node(1);
        load::until_reached(node, &url);
        let words = ["--method", "POST", "--body-size", "100", "--expect", "echo", "--rate", "20"];
        let probes = ["kept", "fresh"].map(|kind| {
            let words = [&words[..], &["--connections", kind]].concat();
            load::Running::start(node.command(load::segue()), &url, &words)
        });
        web.api.run(["rollout", "restart", "deployment/web"]).unwrap();
        (web, pod, agent, probes)
    });
    for (web, pod, mut agent, probes) in running {
        web.api.rollout_status("deployment/web", LONG).unwrap();
        web.until_gone(&pod);
        web.api.until_ready(SELECTOR, 1).unwrap();
        probes.map(load::Running::end).iter().for_each(load::Told::assert_whole);
        assert_eq!(agent.once("released")["outcome"]["reason"], "drained");
        let counted = agent.once("ended")["guard"].clone();
        assert_eq!((&counted["broken_off"], &counted["raced"]), (&0.into(), &0.into()), "{counted}");
        web.remove();
    }
}

/// The sample's Deployment with another program in it.
fn of(command: &[&str]) -> Sample {
    let mut sample = sample(1);
    let folders = ["/usr", "/lib", "/lib64", "/etc"].map(|path| (path.trim_start_matches('/'), path));
    let mounts = folders.map(|(name, path)| json!({"name": name, "mountPath": path, "readOnly": true}));
    let volumes = folders.map(|(name, path)| json!({"name": name, "hostPath": {"path": path}}));
    let with = |list: [Value; 4], one: Value| Value::from([&list[..], &[one]].concat());
    let container = sample.container();
    container["command"] = json!(command);
    container["args"] = json!([]);
    container["resources"] = json!({"requests": {"cpu": "500m"}});
    container["readinessProbe"] =
        json!({"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1, "timeoutSeconds": 20});
    container["volumeMounts"] = with(mounts, json!({"name": "app", "mountPath": "/app"}));
    sample.deployment["spec"]["template"]["spec"]["volumes"] =
        with(volumes, json!({"name": "app", "configMap": {"name": "app"}}));
    sample
}
