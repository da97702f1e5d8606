use super::*;
#[test]
fn eyeball() {
    let dir = std::env::var("EYE").unwrap();
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    for p in names {
        println!("===== {}", p.display());
        match load(&p, &|n| (n != "UNSET").then(|| format!("sk-canary-of-{n}-0123456789"))) {
            Ok(l) => { for w in &l.warnings { println!("{w}\n"); } println!("{:#?}", l.config); }
            Err(f) => println!("{f}"),
        }
    }
}
