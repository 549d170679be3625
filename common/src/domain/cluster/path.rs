//! What a path below `deploy/` is for. ASCII only, no decoding, no normalising: what does not match the grammar names nothing.
//!
//! ```text
//! deploy/<environment>/<region alias>/terraform/regional.yaml
//! deploy/<environment>/<region alias>/terraform/management/<cluster>.yaml
//! ```

use crate::domain::{
    cluster::{ClusterKey, ClusterKind, Finding, Place},
    id::{IdError, quoted},
};

/// What a path is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathClass {
    /// A cluster's configuration file.
    Cluster(ClusterKey),
    /// Not ours: outside `deploy/*/*/terraform/`.
    Elsewhere,
    /// Not a cluster's file, and somebody should know: an error when it tries to be one, a warning when it merely lies there.
    Finding(Finding),
}

/// The longest path that is looked at; git itself allows more, the grammar of its parts less.
const MAX_PATH: usize = 1024;

/// Sorts one path.
pub fn classify(path: &str) -> PathClass {
    let Some(below) = path.strip_prefix("deploy/") else { return PathClass::Elsewhere };
    let segments: Vec<&str> = below.split('/').collect();
    let dotted = segments.iter().any(|segment| matches!(*segment, "" | "." | ".."));
    if dotted || path.len() > MAX_PATH || path.chars().any(char::is_control) {
        return PathClass::Finding(hostile(path));
    }
    match segments.as_slice() {
        [environment, alias, "terraform", "regional.yaml"] => cluster(path, environment, alias, None),
        [environment, alias, "terraform", "management", file] => match file.strip_suffix(".yaml") {
            Some(stem) => cluster(path, environment, alias, Some(stem)),
            None => stray(path),
        },
        [_, _, directory, _, ..] if directory.eq_ignore_ascii_case("terraform") => stray(path),
        _ => PathClass::Elsewhere,
    }
}

fn cluster(path: &str, environment: &str, alias: &str, stem: Option<&str>) -> PathClass {
    let key = || -> Result<ClusterKey, (IdError, String)> {
        let lower = |text: &str, error| (error, text.to_ascii_lowercase());
        let environment = environment.parse().map_err(|error| lower(environment, error))?;
        let region_alias = alias.parse().map_err(|error| lower(alias, error))?;
        let kind = match stem {
            None => ClusterKind::Regional,
            Some(stem) => ClusterKind::Management(stem.parse().map_err(|error| lower(stem, error))?),
        };
        Ok(ClusterKey { environment, region_alias, kind })
    };
    match key() {
        Ok(key) => PathClass::Cluster(key),
        Err((error, lower)) => {
            let found = format!("{} {}", error.kind, error.found);
            let finding = Finding::error(path, Place::START, "path", found, error.expected);
            let nearest = path.to_ascii_lowercase();
            let mended = nearest.contains(&lower) && matches!(classify_lower(path, &nearest), PathClass::Cluster(_));
            PathClass::Finding(Finding { nearest: mended.then_some(nearest), ..finding })
        }
    }
}

// Lower case mends the commonest mistake; a path that is already lower case is not asked again.
fn classify_lower(path: &str, lower: &str) -> PathClass {
    if path == lower { PathClass::Elsewhere } else { classify(lower) }
}

fn stray(path: &str) -> PathClass {
    if path.ends_with("/.gitkeep") {
        return PathClass::Elsewhere;
    }
    let lower = path.to_ascii_lowercase();
    let mended = lower.strip_suffix(".yml").map_or(lower.clone(), |stem| format!("{stem}.yaml"));
    let nearest = matches!(classify_lower(path, &mended), PathClass::Cluster(_)).then_some(mended);
    let finding = Finding::warning(
        path,
        Place::START,
        "stray-file",
        "a file that configures no cluster",
        "terraform/regional.yaml or terraform/management/<cluster>.yaml, in lower case",
    );
    PathClass::Finding(Finding { nearest, ..finding })
}

fn hostile(path: &str) -> Finding {
    let expected = "a plain path: no '.', '..', empty part or control character, at most 1024 bytes";
    Finding::error(path, Place::START, "path", quoted(path, 120), expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cluster::Severity;

    fn finding(path: &str) -> Finding {
        match classify(path) {
            PathClass::Finding(finding) => finding,
            other => panic!("{path:?} is {other:?}"),
        }
    }

    #[test]
    fn the_two_forms_name_clusters() {
        for (path, key) in [
            ("deploy/integration/us-east-1/terraform/regional.yaml", "integration/us-east-1/regional"),
            (
                "deploy/integration/us-east-1-b/terraform/management/mc01-us.yaml",
                "integration/us-east-1-b/management/mc01-us",
            ),
        ] {
            assert_eq!(classify(path), PathClass::Cluster(key.parse().unwrap()));
        }
    }

    #[test]
    fn other_files_are_elsewhere() {
        for path in [
            "README.md",
            "deploy",
            "deploy/README.md",
            "deploy/int/us/argocd/regional-cluster-values.yaml",
            "deploy/int/us/argocd/terraform/regional.yaml",
            "terraform/config/regional-cluster/main.tf",
            "deploy/int/us/terraform/management/.gitkeep",
            "Deploy/int/us/terraform/regional.yaml",
        ] {
            assert_eq!(classify(path), PathClass::Elsewhere, "{path}");
        }
    }

    #[test]
    fn a_file_that_almost_is_one_is_a_warning_with_the_name_it_should_have() {
        let regional = Some("deploy/int/us/terraform/regional.yaml");
        for (path, nearest) in [
            ("deploy/int/us/terraform/regional.yml", regional),
            ("deploy/int/us/terraform/Regional.yaml", regional),
            ("deploy/int/us/Terraform/regional.yaml", regional),
            ("deploy/int/us/terraform/management/mc01.yml", Some("deploy/int/us/terraform/management/mc01.yaml")),
            ("deploy/int/us/terraform/management/more/mc01.yaml", None),
            ("deploy/int/us/terraform/notes.txt", None),
        ] {
            let finding = finding(path);
            assert_eq!((finding.severity, finding.nearest.as_deref()), (Severity::Warning, nearest), "{path}");
        }
    }

    #[test]
    fn a_hostile_path_is_an_error_and_is_shown_escaped() {
        let long = format!("deploy/int/us/terraform/management/{}.yaml", "a".repeat(41));
        for path in [
            "deploy/../us/terraform/regional.yaml",
            "deploy/int/./terraform/regional.yaml",
            "deploy/int//terraform/regional.yaml",
            "deploy/%2e%2e/us/terraform/regional.yaml",
            "deploy/Int/us/terraform/regional.yaml",
            "deploy/int/us\0/terraform/regional.yaml",
            "deploy/int/us/terraform/management/../regional.yaml",
            "deploy/int/us/terraform/management/x; rm -rf.yaml",
            "deploy/\u{440}rod/us/terraform/regional.yaml",
            "deploy/int/us/terraform/management/mc\u{202e}01.yaml",
            "deploy/int/us/terraform/management/MC01.yaml",
            "deploy/int/us/terraform/management/.yaml",
            &long,
        ] {
            let finding = finding(path);
            assert_eq!((finding.severity, finding.rule.as_str()), (Severity::Error, "path"), "{path:?}");
            assert!(finding.to_string().chars().all(|character| matches!(character, ' '..='~' | '…')), "{finding}");
        }
        assert_eq!(
            finding("deploy/int/us/terraform/management/MC01.yaml").nearest.unwrap(),
            "deploy/int/us/terraform/management/mc01.yaml"
        );
    }
}
