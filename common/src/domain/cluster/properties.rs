//! What holds for every tree, every path and every text.

use std::collections::{BTreeSet, HashMap};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    fixture::{Files, GOVERNANCE, World, key, text},
    path::{PathClass, classify},
    *,
};
use crate::domain::{
    id::{ClusterName, EnvironmentName, PipelineName, RegionAlias},
    yaml::{self, Limits},
};

const CLUSTERS: [&str; 6] = [
    "integration/us-east-1/regional",
    "integration/us-east-1/management/mc01",
    "integration/us-east-1/management/mc02",
    "staging/us-east-1/regional",
    "staging/us-east-1/management/mc01",
    "sandbox/eu-west-1/regional",
];
const LINES: [&str; 7] =
    ["", "", "enable_bastion: true", "delete: true", "delete_pipeline: true", "delet: true", "# other"];

fn files() -> impl Strategy<Value = Files> {
    vec(proptest::option::weighted(0.8, select(&LINES[..])), CLUSTERS.len()).prop_map(|lines| {
        let present = CLUSTERS.iter().zip(lines).filter_map(|(cluster, line)| Some((cluster, line?)));
        present.fold(Files::default(), |files, (cluster, line)| {
            files.with(cluster, &format!("{}{line}\n", text(&key(cluster))))
        })
    })
}

/// A world after some pushes, with its destroy runs done or not.
fn history() -> impl Strategy<Value = World> {
    vec((files(), any::<bool>()), 0..4).prop_map(|pushes| {
        let mut world = World::default();
        for (files, finish) in pushes {
            world.run(&files);
            if finish {
                world.finish_destroy_runs();
            }
        }
        world.writes.clear();
        world
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_that_was_applied_leaves_nothing_to_do(mut world in history(), files in files()) {
        world.run(&files);
        let again = world.plan(&files);
        prop_assert!(!again.writes(), "{:?}", fixture::actions(&again));
        prop_assert!(again.steps.iter().all(|step| !step.record_stale && !step.publish_spec));
    }

    #[test]
    fn a_plan_that_was_interrupted_converges(world in history(), files in files(), stop in 0..6_usize, recorded: bool) {
        let mut whole = world.clone();
        whole.run(&files);
        let mut broken = world;
        let plan = broken.plan(&files);
        for (at, step) in plan.steps.iter().enumerate().take(stop + 1) {
            // The run stops at `stop`: before its record, or before its calls.
            if at < stop || recorded {
                broken.call(step);
            }
            if at < stop {
                broken.record(step);
            }
        }
        broken.run(&files);
        prop_assert_eq!(&broken.pipelines, &whole.pipelines);
        let left = broken.plan(&files);
        prop_assert!(!left.writes(), "{:?}", fixture::actions(&left));
    }

    #[test]
    fn only_what_penstock_made_is_touched(mut world in history(), files in files(), owners in vec(0..5_u8, CLUSTERS.len())) {
        for ((name, pipeline), owner) in world.pipelines.iter_mut().zip(&owners) {
            match owner {
                0 => drop(pipeline.tags.remove(tag::MANAGED_BY)),
                1 => drop(pipeline.tags.insert(tag::REPOSITORY_ID.into(), "43".into())),
                2 => drop(world.unreadable.insert(name.clone(), "it may not be read".into())),
                _ => {}
            }
        }
        let foreign: Vec<(PipelineName, ObservedPipeline)> = world.pipelines.iter().zip(owners)
            .filter(|(_, owner)| *owner < 3).map(|((name, pipeline), _)| (name.clone(), pipeline.clone())).collect();
        world.run(&files);
        for (name, pipeline) in foreign {
            prop_assert_eq!(world.pipelines.get(&name), Some(&pipeline));
        }
    }

    #[test]
    fn only_a_destroyed_pipeline_is_removed(world in history(), files in files()) {
        let plan = world.plan(&files);
        for step in plan.steps.iter().filter(|step| step.action == plan::Action::Retire) {
            let execution = &world.executions[&step.pipeline];
            prop_assert_eq!((execution.destroy, execution.status), (Some(true), ExecutionStatus::Succeeded));
        }
        prop_assert!(plan.steps.iter().filter(|step| matches!(step.action.outcome(), crate::event::Outcome::Retired | crate::event::Outcome::Destroying)).count() <= 3);
    }

    #[test]
    fn every_refusal_orphan_and_bad_file_has_a_reason(world in history(), files in files()) {
        for step in world.plan(&files).steps {
            let must = matches!(step.action, plan::Action::Refuse | plan::Action::Orphan | plan::Action::Invalid);
            prop_assert!(!must || !step.reasons.is_empty(), "{:?}", step);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_path_that_names_a_cluster_is_that_cluster_s_path(
        parts in vec(select(&["deploy", "integration", "us-east-1", "terraform", "management", "regional.yaml", "mc01.yaml", "..", ".", "",
            "Regional.yaml", "%2e%2e", "a\0", "\u{202e}yaml", "рrod", "mc01.yml", "x; rm -rf"][..]), 0..8),
        fixed: bool,
    ) {
        let path = if fixed { format!("deploy/integration/us-east-1/terraform/{}", parts.join("/")) } else { parts.join("/") };
        if let PathClass::Cluster(key) = classify(&path) {
            prop_assert_eq!(key.config_path(), path);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_path_is_classified(path in any::<String>()) {
        classify(&path);
        classify(&format!("deploy/{path}"));
        classify(&format!("deploy/integration/us-east-1/terraform/{path}"));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = config::parse(&key(CLUSTERS[0]), &bytes, &GOVERNANCE);
        let _ = crate::domain::governance::Governance::parse(&bytes);
    }

    #[test]
    fn any_text_of_yaml_s_own_signs_is_read_without_a_panic(
        words in vec(select(&["a", "b: ", "- ", "\n", "  ", "{", "}", "[", "]", "&a ", "*a", "!!str ", "? ", ": ", "|\n", ">-\n", "\"", "'", "#", "---\n",
            "...\n", "<<: ", "%YAML 1.2\n", "\t", "\u{feff}", "\0", "account_id: ", "terraform_vars:\n", "012", "é", ","][..]), 0..60),
    ) {
        let text = words.concat();
        if let Err(findings) = yaml::parse("f.yaml", text.as_bytes(), &Limits::CLUSTER) {
            prop_assert!(!findings.is_empty());
            prop_assert!(findings.iter().all(|finding| finding.line >= 1 && finding.column >= 1));
        }
    }
}

/// A small generator with a fixed start (splitmix64): the same tuples every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    /// Few letters and many dashes: what a careless encoding would confuse.
    fn word(&mut self, longest: u64) -> String {
        let length = 1 + self.next(longest) as usize;
        let mut word: String = (0..length).map(|_| ['a', 'b', '-'][self.next(3) as usize]).collect();
        word.replace_range(..1, "a");
        word.replace_range(length - 1.., "a");
        word
    }
}

#[test]
fn names_are_injective_over_a_million_clusters() {
    let mut numbers = Numbers(20_261_121);
    // Words of every length: short ones collide over their dashes, long ones are cut. They are parsed once, tuples are drawn of them.
    let mut words = |longest: u64| -> Vec<String> {
        let lengths = (0..400).map(|round| if round % 4 == 0 { longest } else { 6 });
        let words: BTreeSet<String> = lengths.map(|longest| numbers.word(longest)).collect();
        words.into_iter().collect()
    };
    let (segments, clusters) = (words(32), words(40));
    let environments: Vec<EnvironmentName> = segments.iter().map(|word| word.parse().unwrap()).collect();
    let aliases: Vec<RegionAlias> = segments.iter().map(|word| word.parse().unwrap()).collect();
    let clusters: Vec<ClusterName> = clusters.iter().map(|word| word.parse().unwrap()).collect();
    let mut seen: HashMap<PipelineName, [usize; 3]> = HashMap::new();
    while seen.len() < 1_000_000 {
        let mut pick = |length: usize| numbers.next(length as u64) as usize;
        // One past the clusters stands for the regional cluster.
        let tuple = [pick(environments.len()), pick(aliases.len()), pick(clusters.len() + 1)];
        let key = ClusterKey {
            environment: environments[tuple[0]].clone(),
            region_alias: aliases[tuple[1]].clone(),
            kind: clusters.get(tuple[2]).map_or(ClusterKind::Regional, |name| ClusterKind::Management(name.clone())),
        };
        let name = names::pipeline(&key);
        assert!(name.as_str().len() <= 100);
        let other = seen.insert(name, tuple);
        assert!(other.is_none_or(|other| other == tuple), "{key} shares its name with {other:?}");
    }
    let names = seen.keys().step_by(1_000);
    assert!(names.into_iter().all(|name| name.as_str().parse::<PipelineName>().is_ok()));
}
