//! What each kind of identifier may look like.

pub(super) fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(allowed)
}

fn lower_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn lower_digit_dash(byte: u8) -> bool {
    lower_digit(byte) || byte == b'-'
}

fn starts_lower_digit(text: &str) -> bool {
    text.bytes().next().is_some_and(lower_digit)
}

pub(super) fn hex_of(text: &str, length: usize) -> bool {
    text.len() == length && all(text, |byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

pub(super) fn segment(text: &str) -> bool {
    (1..=32).contains(&text.len()) && starts_lower_digit(text) && all(text, lower_digit_dash)
}

pub(super) fn name_with_dots(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && starts_lower_digit(text)
        && all(text, |byte| lower_digit_dash(byte) || matches!(byte, b'.' | b'_'))
}

pub(super) fn cluster_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && starts_lower_digit(text)
        && all(text, lower_digit_dash)
        && text.bytes().last().is_some_and(lower_digit)
}

pub(super) fn repository_name(text: &str) -> bool {
    let part = |part: &str| {
        (1..=100).contains(&part.len())
            && part != "."
            && part != ".."
            && all(part, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

pub(super) fn directory_path(text: &str) -> bool {
    let segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && all(segment, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    (1..=255).contains(&text.len()) && text.split('/').all(segment)
}

pub(super) fn alarm_name(text: &str) -> bool {
    (1..=255).contains(&text.chars().count()) && !text.starts_with("arn:") && !text.chars().any(char::is_control)
}

// RFC 5321, narrowed: no quotes, no comments, no address literals.
pub(super) fn email_address(text: &str) -> bool {
    let dots = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let local = |local: &str| {
        (1..=64).contains(&local.len())
            && dots(local)
            && all(local, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-'))
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && all(label, |byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(name, domain)| local(name) && domain.contains('.') && domain.split('.').all(label))
}

// git-check-ref-format(1), narrowed to printable ASCII.
pub(super) fn branch_name(text: &str) -> bool {
    (1..=244).contains(&text.len())
        && all(text, |byte| byte.is_ascii_graphic() && !matches!(byte, b'~' | b'^' | b':' | b'?' | b'*' | b'[' | b'\\'))
        && !text.contains("..")
        && !text.contains("//")
        && !text.contains("@{")
        && !text.starts_with(['/', '-', '.'])
        && !text.ends_with(['/', '.'])
        && !text.ends_with(".lock")
        && text != "@"
}

pub(super) fn region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let number = parts.next().is_some_and(|part| part.len() == 1 && all(part, |byte| byte.is_ascii_digit()));
    let rest: Vec<&str> = parts.collect();
    let Some((partition, words)) = rest.split_last() else { return false };
    number
        && partition.len() == 2
        && all(partition, |byte| byte.is_ascii_lowercase())
        && !words.is_empty()
        && text.len() <= 32
        && words.iter().all(|word| !word.is_empty() && all(word, |byte| byte.is_ascii_lowercase()))
}

pub(super) fn parameter(text: &str) -> bool {
    text.strip_prefix("ssm:///").is_some_and(|name| {
        (1..=1000).contains(&name.len())
            && all(name, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-'))
            && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
    })
}

// 12345678-1234-1234-1234-123456789abc (AWS CodePipeline API reference, PipelineExecution).
pub(super) fn uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.len() == 5 && groups.into_iter().zip([8, 4, 4, 4, 12]).all(|(group, length)| hex_of(group, length))
}

pub(super) fn token(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && all(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

// arn:aws:iam::123456789012:user/ada, or the session of a role: arn:aws:sts::123456789012:assumed-role/Deployer/ada.
pub(super) fn iam_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else { return false };
    let kinds: &[&str] = if *service == "iam" { &["user/", "role/"] } else { &["assumed-role/"] };
    *arn == "arn"
        && text.len() <= 512
        && segment(partition)
        && matches!(*service, "iam" | "sts")
        && region.is_empty()
        && account.len() == 12
        && all(account, |byte| byte.is_ascii_digit())
        && kinds.iter().any(|kind| resource.strip_prefix(kind).is_some_and(|name| !name.is_empty()))
        && all(resource, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'=' | b',' | b'.' | b'@' | b'_' | b'-' | b'/')
        })
}

// Slack, "conversations.create": names are of lower-case letters, digits, hyphens and underscores, at most 80. Ids begin with C or G.
pub(super) fn channel_name(text: &str) -> bool {
    let name = (1..=80).contains(&text.len()) && all(text, |byte| lower_digit_dash(byte) || byte == b'_');
    let id = text.strip_prefix(['C', 'G']).is_some_and(|rest| {
        (2..=20).contains(&rest.len()) && all(rest, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    });
    name || id
}

pub(super) fn variable_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && all(text, |byte| lower_digit(byte) || byte == b'_')
}

pub(super) fn pipeline_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && all(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'@' | b'-' | b'_'))
}
