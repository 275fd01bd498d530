fn main() -> anyhow::Result<()> {
    let t = std::time::Instant::now();
    let c = segue_cluster::Cluster::up(&segue_cluster::Options::default())?;
    eprintln!("up in {:?}", t.elapsed());
    print!("{}", c.api.run(["get", "nodes", "-o", "wide"])?);
    let mut s = String::new();
    std::io::stdin().read_line(&mut s)?;
    let t = std::time::Instant::now();
    c.down()?;
    eprintln!("down in {:?}", t.elapsed());
    Ok(())
}
