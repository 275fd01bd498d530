//! The images of the project: pause, the agent, the sample program.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::image::{self, Image, PAUSE, USER};
use crate::{Binaries, agent, folders};

/// The agent's image, as tests name it.
pub const AGENT: &str = "segue-agent:dev";

/// The sample program's image. Its entrypoint is `/bin/segue sample`: arguments are those of that command.
pub const SAMPLE: &str = "segue-sample:dev";

pub(crate) fn pause(binaries: &Binaries) -> anyhow::Result<PathBuf> {
    let files = vec![(binaries.program("pause"), PathBuf::from("/pause"))];
    make(&Image { name: PAUSE, entrypoint: &["/pause"], user: USER, files }, "pause")
}

/// Builds the agent and writes its image to `target/cluster/images`; returns where it is.
pub fn agent() -> anyhow::Result<PathBuf> {
    make(&agent_image(agent::build()?), "agent")
}

/// Builds the agent and writes its image to a file.
pub fn write_agent(out: &Path) -> anyhow::Result<()> {
    image::write(&agent_image(agent::build()?), out)
}

/// Makes the sample program's image of a `segue` binary, with the shared libraries that it loads.
pub fn sample(segue: &Path) -> anyhow::Result<PathBuf> {
    let folder = folders::built().join("images");
    fs::create_dir_all(&folder)?;
    let stripped = folder.join(format!("segue.stripped-{}", std::process::id()));
    image::strip(segue, &stripped)?;
    let mut files = vec![(stripped.clone(), PathBuf::from("/bin/segue"))];
    for library in image::shared_libraries(segue)? {
        files.push((library.clone(), library));
    }
    let made =
        make(&Image { name: SAMPLE, entrypoint: &["/bin/segue", "sample"], user: USER, files }, "sample");
    fs::remove_file(&stripped)?;
    made
}

fn agent_image(agent: PathBuf) -> Image<'static> {
    let files = vec![(agent, PathBuf::from("/segue-agent"))];
    Image { name: AGENT, entrypoint: &["/segue-agent"], user: USER, files }
}

fn make(image: &Image<'_>, name: &str) -> anyhow::Result<PathBuf> {
    let folder = folders::built().join("images");
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join(".lock"))?;
    lock.lock().context("cannot lock the folder of the images")?;
    let out = folder.join(format!("{name}.tar"));
    image::write(image, &out)?;
    Ok(out)
}
