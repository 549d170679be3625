//! The pure core: ids, decisions and their words. No async, no clock, no environment, no SDK type; every arrow points here.
//!
//! | module | what it knows |
//! |---|---|
//! | [`id`] | identifiers, parsed once |
//! | [`governance`] | the files that the control plane runs by |
//! | [`access`] | who asks, and whether they may |
//! | [`cluster`] | deploy tree → configuration → desired pipelines → plan |
//! | [`certificate`] | certificates of clusters: names, policies, what is to be done |
//! | [`wip`] | limits on work in progress: scopes, leases, tickets, who is next |
//! | [`stage`] | work items: stages, gates, evidence, what is missing |
//! | [`markdown`] | foreign text in Markdown, inert |
//! | [`onboarding`] | whether a repository can be onboarded, and its line in `repositories.yaml` |
//! | [`reason`] | why a person did something, in enough words |
//! | [`rhythm`] | what stands still, since when in working time, who is asked next |
//! | [`run`] | runs of cluster pipelines: approvals, holds, freezes, promotion |
//! | [`ledger`] | what happened to deliveries and their events, and what becomes of parked messages |
//! | [`sweep`] | what makes delivery complete: failed webhooks, branches that moved unheard |
//! | [`yaml`] | YAML as a tree whose every node knows its place |
//! | [`audit`] | hash-chained entries and their verification |

pub mod access;
pub mod audit;
pub mod certificate;
pub mod cluster;
pub mod governance;
pub mod id;
pub mod idea;
pub mod ledger;
pub mod markdown;
pub mod onboarding;
pub mod reason;
pub mod rhythm;
pub mod run;
pub mod stage;
pub mod sweep;
pub mod wip;
pub mod yaml;
