//! The fortnight's posts through the adapter that ships, to a Slack: one line of JSON for each, with what was to be said and where it stands.
//! `make fortnight-slack` (`tests/stack/fortnight_slack.py`) starts the Slack, and reads back.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::{Context as _, anyhow};
use clap::Parser;
use common::{
    domain::rhythm::Block,
    ports::{Chat as _, ChatPlace, ChatPost, ChatTarget},
    slack::Slack,
};
use serde_json::json;
use tests::fortnight::fortnight;

/// Posts a fortnight.
#[derive(Parser)]
struct Options {
    /// Where Slack's methods are: http://127.0.0.1:…/api.
    #[arg(long)]
    slack: String,
    /// A bot's token there.
    #[arg(long)]
    token: String,
    /// What a person of the fortnight is called there: U0000BOB=U….
    #[arg(long, value_parser = pair)]
    person: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (here, there) = text.split_once('=').ok_or("expected <id>=<id there>")?;
    Ok((here.to_owned(), there.to_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match post(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fortnight-slack: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn post(options: Options) -> anyhow::Result<()> {
    let slack = Slack::new(&options.slack, options.token.into())?;
    let persons: BTreeMap<String, String> = options.person.into_iter().collect();
    let mut places: Vec<ChatPlace> = Vec::new();
    for (at, told) in fortnight().await?.chat {
        let target = match told.target {
            ChatTarget::Person(person) => {
                let there = persons.get(person.as_str()).with_context(|| format!("--person {person}=… is missing"))?;
                ChatTarget::Person(there.parse()?)
            }
            channel => channel,
        };
        let thread = told.thread.as_ref().map(|head| head_of(head, &places)).transpose()?;
        let post = ChatPost { target, thread, ..told };
        let place = slack.post(&post).await?;
        let blocks: Vec<_> = post.blocks.iter().map(Block::to_slack).collect();
        let text = post.blocks.first().map(Block::text);
        let thread = post.thread.as_ref().map(|head| &head.post);
        println!(
            "{}",
            json!({"at": at, "key": post.key, "channel": place.channel, "ts": place.post, "thread_ts": thread, "text": text, "blocks": blocks})
        );
        places.push(place);
    }
    Ok(())
}

/// Where the head of a thread stands there: in memory a post's id is its number.
fn head_of(head: &ChatPlace, places: &[ChatPlace]) -> anyhow::Result<ChatPlace> {
    let number: Option<usize> = head.post.split_once('.').and_then(|(number, _)| number.parse().ok());
    number.and_then(|at| places.get(at)).cloned().ok_or_else(|| anyhow!("the head {} was not posted before", head.post))
}
