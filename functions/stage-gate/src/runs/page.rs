//! The pages behind a personal link: plain HTML without a script, an image or anything else that is fetched from somewhere.

use common::{
    domain::run::{BadLink, Link, Unmet},
    http::Response,
};

use super::{
    answer::nobody_waits,
    case::Case,
    visiting::{Answered, Opened},
};

/// What a browser may do with a page: send its own form, and no more. The address holds the token, so nothing is told of it to whatever
/// somebody goes to from here.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em}table{border-collapse:collapse}\
                     td,th{border:1px solid #999;padding:.3em .6em;text-align:left}button{font:inherit;padding:.3em 1em;margin-right:1em}";

/// The page that a link opens. Nothing is decided by looking at it.
pub fn opened(opened: &Opened) -> Response {
    match opened {
        Opened::Open(link, case) => asks(link, case),
        Opened::Forbidden(link, why) => {
            page(403, "This is not yours to answer", &told(link, std::slice::from_ref(why)))
        }
        Opened::Used => used(),
        Opened::NotWaiting(link, before) => page(
            409,
            "Nobody waits for this answer",
            &text(&nobody_waits(&link.cluster, &link.execution, before.as_ref())),
        ),
        Opened::Another(link) => another(link),
        Opened::Bad(bad) => bad_link(*bad),
    }
}

/// The page behind an answer.
pub fn answered(answered: &Answered) -> Response {
    match answered {
        Answered::Taken(link, said, missing) => {
            let mut lines = vec![(*said).to_owned()];
            lines.extend(missing.iter().map(Unmet::sentence));
            page(200, "Your answer is taken", &told(link, &lines))
        }
        Answered::Unread(why) => page(422, "Nothing was answered", &text(why)),
        Answered::Not(not) => opened(not),
    }
}

fn bad_link(bad: BadLink) -> Response {
    let status = match bad {
        BadLink::NotOurs => 404,
        BadLink::Expired => 410,
    };
    let more = "Nothing was decided. Answer with the command or by the API: the check run on the commit says how.";
    page(status, "This link is of no use", &format!("<p>{}.</p><p>{more}</p>", text(&bad.to_string())))
}

fn used() -> Response {
    page(
        409,
        "This link was used",
        "<p>It takes one answer, and has taken it. If it was not you, say so to an administrator.</p>",
    )
}

fn another(link: &Link) -> Response {
    let shown = text(link.commit.short());
    page(
        409,
        "The run deploys another commit",
        &format!("<p>You were asked about {shown}, which it does not deploy.</p>"),
    )
}

fn asks(link: &Link, case: &Case) -> Response {
    let missing = case.decision.unmet.iter().map(|unmet| {
        let clearing = unmet.clearing();
        format!("<tr><td>{}</td><td>{}</td></tr>", text(&unmet.sentence()), text(&clearing.who))
    });
    let since = format!("it waits since {:.0}", case.waiting.since);
    let body = format!(
        "{}<table><tr><th>what is missing</th><th>who can clear it</th></tr>{}</table>\
         <form method=\"post\" autocomplete=\"off\"><p><label>Why, in 15 to 500 characters (needed to end it):<br>\
         <input name=\"reason\" maxlength=\"500\" size=\"60\"></label></p>\
         <p><button name=\"answer\" value=\"approve\">Let it go on</button><button name=\"answer\" value=\"reject\">End it</button></p></form>\
         <p>Your answer is for this run at this commit. The link takes one answer, until {:.0}; give it to nobody.</p>",
        told(link, &[since]),
        missing.collect::<String>(),
        link.until,
    );
    page(200, "A run waits for you", &body)
}

fn told(link: &Link, lines: &[String]) -> String {
    let Link { by, cluster, execution, commit, .. } = link;
    let lines: String = lines.iter().map(|line| format!("<li>{}</li>", text(line))).collect();
    format!(
        "<p>{}, the run {} deploys commit {} to {}.</p><ul>{lines}</ul>",
        text(by.as_str()),
        text(execution.as_str()),
        text(commit.as_str()),
        text(&cluster.to_string()),
    )
}

fn page(status: u16, title: &str, body: &str) -> Response {
    let title = text(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><h1>{title}</h1>{body}</body></html>"
    );
    Response::page(status, html)
        .header("content-security-policy", POLICY)
        .header("referrer-policy", "no-referrer")
        .header("x-content-type-options", "nosniff")
        .header("x-robots-tag", "noindex, nofollow")
}

/// Foreign text as HTML.
fn text(foreign: &str) -> String {
    let mut out = String::new();
    for character in foreign.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            shown => out.push(shown),
        }
    }
    out
}
