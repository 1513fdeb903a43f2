//! `compare`: whole-process benchmarks of `dhtl`, side by side with `uv`, and the floors that no tool can beat.
//!
//! Two traps are avoided, both seen on ext4. Directories are made ten times slower right after many were deleted, so
//! every run gets a fresh destination and nothing is deleted before the end. And machines drift, so the subjects of a
//! scenario take turns within one run, in alternating order.
#![expect(
    clippy::print_stderr,
    reason = "a benchmark says what it is doing; the rule guards the product"
)]
#![cfg_attr(
    unix,
    expect(
        clippy::disallowed_methods,
        clippy::print_stdout,
        reason = "a benchmark starts programs and prints its table; the rules guard the product"
    )
)]

#[cfg(unix)]
mod args;
#[cfg(unix)]
mod cold;
#[cfg(unix)]
mod floors;
#[cfg(unix)]
mod lab;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod scenarios;
#[cfg(unix)]
mod stats;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use clap::Parser as _;

    match run(&args::Args::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(unix)]
fn run(args: &args::Args) -> std::io::Result<()> {
    let lab = lab::Lab::new(args)?;
    eprintln!("preparing: both caches are filled, and the reference environment is made");
    lab.prepare()?;
    let tree = floors::Tree::read(&lab.reference().join(".venv"))?;
    println!("{}\n", lab.describe(&tree)?);
    println!("{}", stats::TABLE_HEAD);
    for (name, scenario) in scenarios::all() {
        if args.wants(name) {
            eprintln!("measuring: {name}");
            for row in scenario(&lab, &tree)? {
                println!("{row}");
            }
        }
    }
    lab.finish(args.keep)
}

#[cfg(not(unix))]
fn main() {
    eprintln!("compare: the floors are written for Unix");
    std::process::exit(2);
}
