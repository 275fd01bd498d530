//! `segue status`: how the services are, for people or for scripts, once or again and again.

#![expect(clippy::format_push_string, reason = "a few lines for people, built once")]

use std::process::ExitCode;

use segue_local::control::client::{AskError, Client};
use segue_local::control::protocol::{Event, Request, View};
use segue_local::folder::Folder;
use segue_local::inspect::inspect;

use crate::clock;
use crate::output::{self, outln};
use crate::service::{self, Format, Place, rows};

/// Show how services are: every instance, what it waits for, what was done last
///
/// With -o json, one object for the service that was named, else `services` with one for each.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The service [default: all of them]
    name: Option<String>,
    /// How to print it
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Show it again whenever it changes
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    service::block_on(async {
        if args.watch {
            let folder = args.place.service(args.name.as_deref())?;
            return watch(&folder, args.output).await;
        }
        if args.name.is_some() {
            let folder = args.place.service(args.name.as_deref())?;
            let view = view(&folder).await?;
            match args.output {
                Format::Json => outln!("{:#}", json(&view)?)?,
                Format::Text => output::write(text(&view).as_bytes())?,
            }
            return Ok(ExitCode::SUCCESS);
        }
        let mut views = Vec::new();
        for folder in args.place.state_dir()?.services()? {
            views.push(view(&folder).await?);
        }
        match args.output {
            Format::Json => {
                let services = views.iter().map(json).collect::<Result<Vec<_>, _>>()?;
                outln!("{:#}", serde_json::json!({ "schema": 1, "services": services }))?;
            }
            Format::Text if views.is_empty() => eprintln!("no service was ever up here"),
            Format::Text => {
                let texts: Vec<String> = views.iter().map(text).collect();
                output::write(texts.join("\n").as_bytes())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Of who drives it, or of its folder if nobody does.
async fn view(folder: &Folder) -> anyhow::Result<View> {
    let asked = match Client::connect(folder).await {
        Ok(mut client) => client.status().await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(view) => Ok(view),
        Err(AskError::NotUp { .. } | AskError::Gone) => Ok(inspect(folder)?),
        Err(error) => Err(error.into()),
    }
}

async fn watch(folder: &Folder, format: Format) -> anyhow::Result<ExitCode> {
    let mut client = Client::connect(folder).await?;
    client.ask(&Request::Watch).await?;
    loop {
        let Event::View(view) = client.next().await? else { continue };
        match format {
            // One object per line.
            Format::Json => outln!("{}", json(&view)?)?,
            Format::Text if output::stdout_is_terminal() => {
                output::write(format!("\u{1b}[H\u{1b}[J{}", text(&view)).as_bytes())?;
            }
            Format::Text => output::write(format!("{}\n", text(&view)).as_bytes())?,
        }
    }
}

fn json(view: &View) -> serde_json::Result<serde_json::Value> {
    let mut json = serde_json::to_value(view)?;
    json["schema"] = 1.into();
    Ok(json)
}

fn text(view: &View) -> String {
    let now = clock::wall().timestamp();
    let mut text = rows::summary(view, now) + "\n";
    if let Some(deploy) = &view.deploy {
        text += &(rows::deploy(deploy, now) + "\n");
    }
    if !view.instances.is_empty() {
        let mut table = output::table(&rows::HEAD);
        output::align_right(&mut table, &rows::NUMBERS);
        for instance in &view.instances {
            table.add_row(rows::instance(instance, now));
        }
        text += &format!("\n{}\n", table.trim_fmt());
    }
    if !view.history.is_empty() {
        text += "\nlast:\n";
        text.extend(view.history.iter().map(|entry| format!("  {}\n", rows::history(entry))));
    }
    text
}
