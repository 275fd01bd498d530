//! `cargo xtask arrows`: what depends on what, between our crates and between the files of one crate.

mod crates;
mod files;
mod metadata;

pub(crate) fn run() -> anyhow::Result<()> {
    let metadata = metadata::ask()?;
    println!("{}", crates::check(&metadata)?);
    println!("{}", files::check(&metadata)?);
    Ok(())
}
