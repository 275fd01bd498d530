//! `cargo xtask cluster`: a named cluster that stays until it is taken down, with the agent's and the sample's images.

use segue_cluster::{Keeper, Options, ProxyMode, images};

use crate::command::{cargo, root, succeed};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Bring it up and print its kubeconfig; the first time builds Kubernetes, which takes minutes
    Up(Arguments),
    /// Take it down
    Down(Named),
    /// Print where its kubeconfig is
    Kubeconfig(Named),
    /// Own the cluster until SIGTERM: what `up` runs in the background
    #[command(hide = true)]
    Keep(Arguments),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// Which one
    #[arg(long, default_value = "default")]
    name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// How many nodes
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: u8,
    /// kube-proxy writes nftables rules instead of iptables rules
    #[arg(long)]
    nftables: bool,
    /// How many endpoints one EndpointSlice holds at most [default: Kubernetes' own 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    endpoints_per_slice: Option<u16>,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Up(arguments) => {
            segue_cluster::install()?;
            let keeper = Keeper::named(&arguments.named.name)?;
            let mut command = std::process::Command::new(std::env::current_exe()?);
            command.args(["cluster", "keep", "--name", &arguments.named.name]);
            command.args(["--nodes", &arguments.nodes.to_string()]);
            if arguments.nftables {
                command.arg("--nftables");
            }
            if let Some(most) = arguments.endpoints_per_slice {
                command.args(["--endpoints-per-slice", &most.to_string()]);
            }
            println!("{}", keeper.start(&mut command)?.display());
        }
        Command::Down(named) => {
            if !Keeper::named(&named.name)?.stop()? {
                eprintln!("cluster {} was not up", named.name);
            }
        }
        Command::Kubeconfig(named) => println!("{}", Keeper::named(&named.name)?.kubeconfig()?.display()),
        Command::Keep(arguments) => Keeper::named(&arguments.named.name)?.hold(&options(arguments)?)?,
    }
    Ok(())
}

fn options(arguments: &Arguments) -> anyhow::Result<Options> {
    succeed(cargo().args(["build", "--locked", "--package", "segue"]))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir));
    Ok(Options {
        nodes: arguments.nodes,
        proxy_mode: if arguments.nftables { ProxyMode::Nftables } else { ProxyMode::Iptables },
        endpoints_per_slice: arguments.endpoints_per_slice,
        images: vec![images::agent()?, images::sample(&target.join("debug/segue"))?],
    })
}
