//! `make fortnight`: a fortnight of work items in a minute, in memory, with the real handlers. What it prints is what happened; it ends with
//! exit code 1 when something is not as it should be. `tests/workspace/fortnight.rs` holds it to more.

use std::process::ExitCode;

use common::{domain::rhythm::Block, ports::ChatTarget};
use tests::fortnight::{Fortnight, fortnight};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match fortnight().await {
        Ok(told) => {
            print(&told);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("This does not hold: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(told: &Fortnight) {
    println!("A fortnight of twelve work items, in Los Angeles, where the clocks change in the middle.\n");
    for line in &told.journal {
        println!("  {line}");
    }
    println!("\nWhat stands in Slack at the end of the first week's Wednesday, as text:\n");
    let of_the_day = |at: &str| at.starts_with("Wed 04");
    for (at, post) in told.chat.iter().filter(|(at, _)| of_the_day(at)) {
        let target = match &post.target {
            ChatTarget::Channel(name) => format!("#{name}"),
            ChatTarget::Person(person) => format!("@{person}"),
        };
        let thread = if post.thread.is_some() { ", in the thread" } else { "" };
        println!("  {at}  {target}{thread}");
        for line in post.blocks.iter().flat_map(|block: &Block| block.text().lines()) {
            println!("      {line}");
        }
        println!();
    }
    let events: Vec<String> = told.events.iter().map(|(name, count)| format!("{name} {count}")).collect();
    println!(
        "{} items, {} ended: {}.",
        told.items,
        told.killed.len(),
        Vec::from_iter(told.killed.iter().cloned()).join(", ")
    );
    println!("{} posts. Events: {}.", told.chat.len(), events.join(", "));
}
